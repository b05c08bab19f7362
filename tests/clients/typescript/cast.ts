// Everybody in the journey of a draft, and what they all do.

import { createClient, DevsphereError, type DevsphereClient } from "@devsphere/client";
import { MemberService, Role, SessionService } from "@devsphere/client/identity/v1";
import {
  type ContentPiece,
  ContentPieceService,
  type ContentVersion,
  type GenerateDraftResponse,
  GenerationService,
} from "@devsphere/client/seo/v1";
import { must, refused, same } from "./must.js";
import type { Account, Given } from "./stage.js";

/** Beside the demo's people, where the model is. */
export interface Drafting extends Given {
  readonly viewer: Account;
  readonly model: string;
}

/** Each has a client of their own. */
export interface Cast {
  readonly ceo: DevsphereClient;
  readonly manager: DevsphereClient;
  readonly viewer: DevsphereClient;
  readonly writer: DevsphereClient;
  /** The ceo of another organisation. */
  readonly stranger: DevsphereClient;
}

/** What was heard of a stream, and how it ended where it was refused. */
export interface Followed {
  readonly heard: GenerateDraftResponse["event"][];
  /** From the first message to the last. */
  readonly tookMs: number;
  readonly refusal: DevsphereError | undefined;
}

const PASSWORD = "correct horse battery staple";

export async function gather(writer: DevsphereClient, given: Drafting): Promise<Cast> {
  // One browser has one cookie, and that is the writer's.
  const client = () => createClient({ baseUrl: given.gateway, tokens: "body", attempts: 8 });
  const enters = async (account: Account) => {
    const one = client();
    await one.signIn(account);
    return one;
  };
  const ceo = await enters(given.ceo);
  const account = { email: "signe@writers.example", password: PASSWORD };
  const member = { email: account.email, displayName: "Signe", role: Role.SEO };
  const { activationToken } = await ceo.service(MemberService).createMember({ member });
  await client().service(SessionService).activate({ activationToken, password: PASSWORD });
  await writer.signIn(account);
  const stranger = client();
  await stranger.signUp({
    email: "founder@south.example",
    password: PASSWORD,
    displayName: "Sam South",
    organizationDisplayName: "South",
  });
  return { ceo, manager: await enters(given.manager), viewer: await enters(given.viewer), writer, stranger };
}

/** Has an agent write, and listens to the end. */
export async function follow(client: DevsphereClient, { contentPieceId }: ContentPiece): Promise<Followed> {
  const heard: Followed["heard"] = [];
  let [began, tookMs] = [0, 0];
  let refusal: DevsphereError | undefined;
  try {
    for await (const { event } of client.service(GenerationService).generateDraft({ contentPieceId })) {
      began ||= performance.now();
      tookMs = performance.now() - began;
      heard.push(event);
    }
  } catch (thrown) {
    must(thrown instanceof DevsphereError, `a DevsphereError, not ${thrown}`);
    refusal = thrown;
  }
  return { heard, tookMs, refusal };
}

export function read(client: DevsphereClient, { contentPieceId }: ContentPiece): Promise<ContentPiece> {
  return client.service(ContentPieceService).getContentPiece({ contentPieceId });
}

/** What the second reader found nothing to stand behind. */
export function flags(version: ContentVersion | undefined): string[] {
  const found = version?.checks?.findings ?? [];
  return found.filter(({ rule }) => rule === "unsupported_claim").map(({ quote }) => quote);
}

export async function forbidden(work: Promise<unknown>, permission: string): Promise<void> {
  const { reason, metadata } = await refused(work);
  same([reason, metadata["permission"]], ["FORBIDDEN", permission], "a permission that is missing");
}

export async function notFound(work: Promise<unknown>): Promise<void> {
  same((await refused(work)).reason, "NOT_FOUND", "another organisation's record");
}
