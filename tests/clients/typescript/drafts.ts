// The journey of a draft: a site, a keyword and a brief, what an agent writes of it, a person's edit,
// another person's approval, and what it cost; with all who are refused on the way.

import type { DevsphereClient } from "@devsphere/client";
import {
  type ContentPiece,
  ContentPieceService,
  ContentPieceState,
  KeywordService,
  SiteService,
} from "@devsphere/client/seo/v1";
import { type Cast, type Drafting, gather } from "./cast.js";
import { accounts, decides, spendsTheBudget, takesAnApprovalBack } from "./deciding.js";
import { refused, same } from "./must.js";
import { connects, edits, generates, hasNoProvider, keepsOthersOut } from "./writing.js";

/** The whole journey; `writer` has a client, and is nobody yet. */
export async function drafts(writer: DevsphereClient, given: Drafting): Promise<void> {
  const cast = await gather(writer, given);
  const piece = await plans(cast);
  await hasNoProvider(cast, piece);
  await connects(cast, given.model);
  const drafted = await generates(cast, piece);
  await keepsOthersOut(cast, piece);
  await edits(cast, drafted);
  await decides(cast, piece);
  await takesAnApprovalBack(cast, piece);
  await spendsTheBudget(cast, piece);
  await accounts(cast, drafted);
  await writer.signOut();
}

/** Down to a piece with a brief. */
async function plans({ writer, stranger }: Cast): Promise<ContentPiece> {
  const baseUrl = `https://${crypto.randomUUID()}.example`;
  const site = { displayName: "Lindqvist", baseUrl, language: "en" };
  const { siteId } = await writer.service(SiteService).createSite({ site });
  const keyword = { siteId, phrase: "accessible web design" };
  const { keywordId } = await writer.service(KeywordService).createKeyword({ keyword });
  const contentPiece = {
    siteId,
    title: "Accessible web design",
    keywordIds: [keywordId],
    brief: { topic: "What an accessible shop costs", targetWords: 40 },
  };
  const piece = await writer.service(ContentPieceService).createContentPiece({ contentPiece });
  same(piece.state, ContentPieceState.BRIEF, "the state");
  const elsewhere = await refused(stranger.service(ContentPieceService).createContentPiece({ contentPiece }));
  const fields = elsewhere.violations.map((violation) => violation.field);
  same(fields, ["content_piece.site_id"], "another organisation's site");
  return piece;
}
