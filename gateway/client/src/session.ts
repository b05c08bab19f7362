// A person's session as one client sees it: who they are, in which organisation, with which token.

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { type Grant, GrantSchema } from "../gen/devsphere/identity/v1/session_pb.js";
import type { Affiliation, Person } from "../gen/devsphere/identity/v1/person_pb.js";
import { type Access, accessOf, now } from "./access.js";
import type { Custody, Listener } from "./custody.js";
import { DevsphereError, unauthorized } from "./error.js";

/** Who is signed in, and where they stand. */
export interface Standing {
  readonly sessionId: string;
  readonly person: Person;
  /** Empty while the person belongs to no organisation. */
  readonly organizationId: string;
  /** Where else the person may work. */
  readonly affiliations: readonly Affiliation[];
}

/** Trades the refresh token for a grant in an organisation; empty names the one used last. */
export type Refresh = (refreshToken: string, organizationId: string) => Promise<Grant>;

/** Told when a session that was there is over; with the reason, where it was not the caller's wish. */
export type SignedOut = (error: DevsphereError | undefined) => void;

/** One session in one organisation. */
export class Session {
  readonly custody: Custody;
  readonly #refresh: Refresh;
  readonly #signedOut: SignedOut;
  readonly #listener: Listener = (notice) => {
    if (notice.kind === "ended") {
      this.#otherEnded(notice.sessionId);
    } else {
      this.#otherGranted(fromBinary(GrantSchema, notice.grant));
    }
  };
  /** Fixed by the first grant: nothing that comes later moves this client elsewhere. */
  #organizationId: string;
  #access: Access | undefined;
  #standing: Standing | undefined;
  #renewal: Promise<void> | undefined;
  /** Why nobody is signed in any more, until somebody signs in. */
  #over: DevsphereError | undefined;

  constructor(custody: Custody, organizationId: string, refresh: Refresh, signedOut: SignedOut) {
    this.custody = custody;
    this.#organizationId = organizationId;
    this.#refresh = refresh;
    this.#signedOut = signedOut;
    custody.hear(this.#listener);
  }

  get standing(): Standing | undefined {
    return this.#standing;
  }

  get organizationId(): string {
    return this.#organizationId;
  }

  /** An access token that is good for a while yet. */
  async token(): Promise<string> {
    if (this.#over) {
      throw this.#over;
    }
    const access = this.#access;
    if (!access || now() >= access.renewBefore) {
      await this.renew(access?.token);
    } else if (now() >= access.renewFrom) {
      // The token still holds: who calls now need not wait, nor hear of it if this fails.
      this.renew(access.token).catch(() => undefined);
    }
    if (!this.#access) {
      throw this.#over ?? unauthorized("not signed in", "no_session");
    }
    return this.#access.token;
  }

  /** Begins with the refresh token that is there. */
  async resume(): Promise<void> {
    this.#over = undefined;
    await this.token();
  }

  /** Replaces the stale token, once for all who ask. */
  renew(stale: string | undefined): Promise<void> {
    this.#renewal ??= this.#renew(stale).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** A grant that the caller has obtained, by signing in for instance. */
  async begin(grant: Grant): Promise<Standing> {
    this.#over = undefined;
    this.#organizationId = grant.organizationId;
    if (grant.refreshToken !== "") {
      await this.custody.write(grant.refreshToken);
    }
    return this.#take(grant);
  }

  /** Forgets the session, and tells the others that share it. */
  async end(error?: DevsphereError): Promise<void> {
    const sessionId = this.#standing?.sessionId;
    await this.custody.write(undefined);
    this.#forget(error);
    if (sessionId) {
      this.custody.tell(this.#listener, { kind: "ended", sessionId });
    }
  }

  /** Hears nothing more of the others. */
  close(): void {
    this.custody.leave(this.#listener);
  }

  #renew(stale: string | undefined): Promise<void> {
    return this.custody.exclusive(async () => {
      // Another tab of this organisation may have renewed while we waited.
      if (this.#access && this.#access.token !== stale) {
        return;
      }
      try {
        const refreshToken = await this.custody.read();
        if (refreshToken === undefined) {
          throw unauthorized("not signed in", "no_session");
        }
        const grant = await this.#refresh(refreshToken, this.#organizationId);
        await this.custody.write(grant.refreshToken);
        this.#check(grant);
        this.custody.tell(this.#listener, { kind: "granted", grant: withoutRefresh(grant) });
        this.#take(grant);
      } catch (thrown) {
        const error = verdict(DevsphereError.from(thrown));
        if (error.code === Code.Unauthenticated) {
          await this.#lost(error);
        }
        throw error;
      }
    });
  }

  // The cookie is one for all tabs: somebody else may have signed in with it meanwhile.
  #check(grant: Grant): void {
    if (this.#standing && this.#standing.person.personId !== grant.person?.personId) {
      throw unauthorized("somebody else has signed in", "other_person");
    }
    if (this.#organizationId !== "" && this.#organizationId !== grant.organizationId) {
      throw unauthorized("this is another organisation", "other_organization");
    }
  }

  #take(grant: Grant): Standing {
    const { sessionId, person, organizationId, affiliations } = grant;
    if (!person) {
      throw unauthorized("the grant names nobody", "no_session");
    }
    this.#access = accessOf(grant);
    this.#organizationId = organizationId;
    this.#standing = { sessionId, person, organizationId, affiliations };
    return this.#standing;
  }

  // The refresh token may be another's by now: it stays where it is.
  async #lost(error: DevsphereError): Promise<void> {
    if (error.cause === "other_person" || error.cause === "other_organization") {
      this.#forget(error);
    } else {
      await this.end(error);
    }
  }

  #forget(error: DevsphereError | undefined): void {
    const was = this.#standing;
    this.#access = undefined;
    this.#standing = undefined;
    this.#over = error ?? unauthorized("signed out", "no_session");
    if (was) {
      this.#signedOut(error);
    }
  }

  #otherEnded(sessionId: string): void {
    if (this.#standing?.sessionId === sessionId) {
      this.#forget(unauthorized("signed out elsewhere", "no_session"));
    }
  }

  #otherGranted(grant: Grant): void {
    const mine = this.#standing;
    if (mine?.sessionId === grant.sessionId && mine.organizationId === grant.organizationId) {
      this.#take(grant);
    }
  }
}

// Where there is no cookie, the request's token is refused for being empty.
function verdict(error: DevsphereError): DevsphereError {
  return error.code === Code.InvalidArgument ? unauthorized("not signed in", "no_session") : error;
}

function withoutRefresh(grant: Grant): Uint8Array {
  return toBinary(GrantSchema, { ...grant, refreshToken: "" });
}
