// What runs in a tab; the driver calls it by name, as a page's own buttons would.

import { createClient, type DevsphereClient } from "@devsphere/client";
import { LeadService } from "@devsphere/client/crm/v1";
import { PersonService } from "@devsphere/client/identity/v1";
import type { Drafting } from "./cast.js";
import { drafts } from "./drafts.js";
import { journey } from "./journey.js";
import { refused } from "./must.js";
import type { Account } from "./stage.js";

/** The machine may be busy with other tests. */
const ATTEMPTS = 8;

let client: DevsphereClient | undefined;
const ends: string[] = [];

function mine(): DevsphereClient {
  if (!client) {
    throw new Error("nobody has opened a client");
  }
  return client;
}

async function names(from: DevsphereClient): Promise<string[]> {
  const found: string[] = [];
  for await (const lead of from.each(LeadService.method.listLeads, { pageSize: 10 })) {
    found.push(lead.leadId);
  }
  return found.sort();
}

const page = {
  open(baseUrl: string, organizationId = ""): void {
    const onSignedOut = () => void ends.push("signed out");
    client = createClient({ baseUrl, organizationId, onSignedOut, attempts: ATTEMPTS });
  },

  async signIn(account: Account): Promise<string> {
    return (await mine().signIn(account)).organizationId;
  },

  async resume(): Promise<string | undefined> {
    return (await mine().resume())?.organizationId;
  },

  journey: () => journey(mine()),

  drafts: (given: Drafting) => drafts(mine(), given),

  leads: () => names(mine()),

  /** As many clients as tabs could be, all beginning at once; where each of them stands, and what it sees. */
  async crowd(count: number, organizationId: string): Promise<[string, string[]][]> {
    const baseUrl = location.origin;
    const crowd = Array.from({ length: count }, () => createClient({ baseUrl, organizationId, attempts: ATTEMPTS }));
    return Promise.all(
      crowd.map(async (one): Promise<[string, string[]]> => {
        const stands = (await one.resume())?.organizationId ?? "";
        const seen = await names(one);
        one.close();
        return [stands, seen];
      }),
    );
  },

  /** The same without the client's manners: no lock, no turn, one cookie. */
  async rush(count: number, organizationId: string): Promise<unknown[]> {
    const url = "/devsphere.identity.v1.SessionService/Refresh";
    const headers = { "content-type": "application/json", "connect-protocol-version": "1" };
    const body = JSON.stringify({ organizationId });
    const refresh = async (attempts = ATTEMPTS): Promise<unknown[]> => {
      const answer = await fetch(url, { method: "POST", headers, body });
      const grant = await answer.json();
      const again = answer.status === 503 && attempts > 1;
      return again ? refresh(attempts - 1) : [answer.status, grant.organizationId, grant.refreshToken ?? null];
    };
    return Promise.all(Array.from({ length: count }, () => refresh()));
  },

  /** Everything in which a script could find a token. */
  readable(): string {
    return document.cookie + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage });
  },

  signOut: () => mine().signOut(),

  ends: () => ends,

  async refusal(): Promise<[string, string | undefined]> {
    const error = await refused(mine().service(PersonService).getMe({}));
    return [error.reason, error.cause];
  },

  async signInRefusal(account: Account): Promise<[string, string | undefined]> {
    const error = await refused(mine().signIn(account));
    return [error.reason, error.cause];
  },
};

declare global {
  interface Window {
    page: typeof page;
  }
}

window.page = page;
