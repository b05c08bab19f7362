// The client: one person's session in one organisation, and every service of the mesh.

import type { DescMessage, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  type CallOptions,
  type Client,
  Code,
  createClient as createServiceClient,
  type Transport,
} from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Grant } from "../gen/devsphere/identity/v1/session_pb.js";
import {
  type SignInRequestSchema,
  SessionService,
  type SignUpRequestSchema,
} from "../gen/devsphere/identity/v1/session_service_pb.js";
import { patient, type Patience } from "./calls.js";
import { BodyCustody, CookieCustody, type Custody, memory, type TokenStore } from "./custody.js";
import { DevsphereError } from "./error.js";
import { type Item, items, type ListMethod, pages } from "./pages.js";
import { Session, type SignedOut, type Standing } from "./session.js";

/** How to reach the mesh, and how to behave there. */
export interface ClientOptions {
  /** The gateway, as in `https://devsphere.example`. */
  readonly baseUrl: string;
  /** The organisation to stand in; by default the one the person used last. */
  readonly organizationId?: string;
  /**
   * Who keeps the refresh token: the browser, in a cookie that no script can read, or this client.
   * By default the browser where the page is the gateway's own, else the client. A page of another
   * origin must be on the gateway's list.
   */
  readonly tokens?: "cookie" | "body";
  /** With `body`: where the refresh token outlives the process. By default it does not. */
  readonly store?: TokenStore;
  /** For a call with all its attempts; 0 waits for ever. By default 30 s. */
  readonly timeoutMs?: number;
  /** For a server stream; 0 waits for ever. By default 10 min. */
  readonly streamTimeoutMs?: number;
  /** How often at most a call that may be repeated is tried. By default 3. */
  readonly attempts?: number;
  /** The language of messages for people (BCP 47). */
  readonly language?: string;
  /** Told when the session is over. */
  readonly onSignedOut?: SignedOut;
  readonly fetch?: typeof globalThis.fetch;
}

/** Less than the 10 s in which a refresh token's second use gets the same successor. */
const REFRESH_TIMEOUT_MS = 8_000;

/** One person in one organisation. Two organisations are two clients, in one tab or in two. */
export class DevsphereClient {
  readonly #options: ClientOptions;
  readonly #session: Session;
  readonly #sessions: Client<typeof SessionService>;
  /** For clients of Connect that are made by other means. */
  readonly transport: Transport;

  /** Use `createClient`. */
  constructor(options: ClientOptions, custody: Custody) {
    const { timeoutMs = 30_000, streamTimeoutMs = 600_000, attempts = 3 } = options;
    const patience: Patience = { timeoutMs, streamTimeoutMs, attempts };
    this.#options = options;
    this.#session = new Session(
      custody,
      options.organizationId ?? "",
      (refreshToken, organizationId) =>
        this.#sessions.refresh({ refreshToken, organizationId }, { timeoutMs: REFRESH_TIMEOUT_MS }),
      (error) => options.onSignedOut?.(error),
    );
    const cookies = custody instanceof CookieCustody;
    const headers = {
      ...(cookies ? {} : { "devsphere-tokens": "body" }),
      ...(options.language ? { "accept-language": options.language } : {}),
    };
    this.transport = patient(wire(options, cookies), this.#session, patience, headers);
    this.#sessions = createServiceClient(SessionService, this.transport);
  }

  /** Who is signed in; undefined before the first call and after the session's end. */
  get standing(): Standing | undefined {
    return this.#session.standing;
  }

  /** A service's methods. */
  service<S extends DescService>(service: S): Client<S> {
    return createServiceClient(service, this.transport);
  }

  /** Every record of a list, page after page. */
  each<I extends DescMessage, O extends DescMessage>(
    method: ListMethod<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncGenerator<Item<O>, void, undefined> {
    return items(this.transport, method, request, options);
  }

  /** Every page of a list. */
  pages<I extends DescMessage, O extends DescMessage>(
    method: ListMethod<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    return pages(this.transport, method, request, options);
  }

  /** Signs a person in, in this client's organisation. */
  signIn(request: MessageInitShape<typeof SignInRequestSchema>): Promise<Standing> {
    const organizationId = request.organizationId || this.#session.organizationId;
    return this.#begin(() => this.#sessions.signIn({ ...request, organizationId }));
  }

  /** Founds an organisation and signs its first person in. */
  signUp(request: MessageInitShape<typeof SignUpRequestSchema>): Promise<Standing> {
    return this.#begin(() => this.#sessions.signUp(request));
  }

  /** Goes on with the session that the browser or the store has kept; undefined where there is none. */
  async resume(): Promise<Standing | undefined> {
    try {
      await this.#session.resume();
    } catch (thrown) {
      const error = DevsphereError.from(thrown);
      if (error.code !== Code.Unauthenticated) {
        throw error;
      }
    }
    return this.standing;
  }

  /** The same session in another of the person's organisations, as a client of its own. */
  async enter(organizationId: string): Promise<DevsphereClient> {
    const grant = await this.#sessions.switchOrganization({ organizationId });
    const { custody } = this.#session;
    const other = new DevsphereClient({ ...this.#options, organizationId }, custody);
    await other.#session.begin(grant);
    return other;
  }

  /** Ends the session, in every tab and every client that shares it. */
  async signOut(): Promise<void> {
    await this.#end(() => this.#sessions.signOut({}));
  }

  /** Ends every session of the person, on every machine. */
  async signOutEverywhere(): Promise<void> {
    await this.#end(() => this.#sessions.signOutEverywhere({}));
  }

  /** Hears nothing more of other tabs; the session goes on without this client. */
  close(): void {
    this.#session.close();
  }

  #begin(obtain: () => Promise<Grant>): Promise<Standing> {
    return this.#session.custody.exclusive(async () => this.#session.begin(await obtain()));
  }

  async #end(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (thrown) {
      const error = DevsphereError.from(thrown);
      if (error.code !== Code.Unauthenticated) {
        throw error;
      }
    }
    await this.#session.custody.exclusive(() => this.#session.end());
  }
}

/** A client of the mesh behind a gateway. */
export function createClient(options: ClientOptions): DevsphereClient {
  const page = globalThis.location?.origin;
  const own = page !== undefined && page === new URL(options.baseUrl).origin;
  const cookies = (options.tokens ?? (own ? "cookie" : "body")) === "cookie";
  const custody = cookies
    ? new CookieCustody(new URL(options.baseUrl).href)
    : BodyCustody.of(options.store ?? memory());
  return new DevsphereClient(options, custody);
}

function wire(options: ClientOptions, cookies: boolean): Transport {
  const fetch = options.fetch ?? globalThis.fetch;
  return createConnectTransport({
    baseUrl: options.baseUrl,
    useBinaryFormat: true,
    fetch: (input, init) => fetch(input, { ...init, credentials: cookies ? "include" : "omit" }),
  });
}
