// The second half of the journey: who decides, what an edit does to an approval, what it cost.

import type { DevsphereClient } from "@devsphere/client";
import { AiProviderService } from "@devsphere/client/administration/v1";
import {
  type ContentPiece,
  ContentPieceService,
  ContentPieceState,
  type ContentVersion,
  type GeneratedDraft,
  GenerationService,
  GenerationState,
} from "@devsphere/client/seo/v1";
import { AiStep, AiUsageState } from "@devsphere/client/type/v1";
import { type Cast, follow, forbidden, notFound, read } from "./cast.js";
import { must, refused, same } from "./must.js";

/** What one question costs: 100 tokens read and 20 written, at the prices of the journey. */
const TOKENS = 120;
const MICROS = 100 * 3 + 20 * 15;

/** Nobody decides on what they submitted or wrote last, and only some on what others did. */
export async function decides({ writer, manager, viewer, stranger }: Cast, piece: ContentPiece): Promise<void> {
  const { contentPieceId } = piece;
  const own = writer.service(ContentPieceService);
  const theirs = manager.service(ContentPieceService);
  const submitted = await own.submitContentPiece({ contentPieceId });
  same(submitted.state, ContentPieceState.IN_REVIEW, "the state");
  for (const who of [own, viewer.service(ContentPieceService)]) {
    await forbidden(who.approveContentPiece({ contentPieceId }), "seo.contentPieces.decide");
  }
  await notFound(stranger.service(ContentPieceService).approveContentPiece({ contentPieceId }));
  const reviewed = await refused(writes(writer, writer, piece));
  same([reviewed.reason, reviewed.metadata["state"]], ["BAD_TRANSITION", "in_review"], "an edit meanwhile");

  await own.withdrawContentPiece({ contentPieceId });
  await theirs.submitContentPiece({ contentPieceId });
  const submitter = await refused(theirs.approveContentPiece({ contentPieceId }));
  same([submitter.reason, submitter.cause], ["INVALID_STATE", "own_work"], "who submitted it");

  await theirs.withdrawContentPiece({ contentPieceId });
  await writes(manager, writer, piece);
  await own.submitContentPiece({ contentPieceId });
  const author = await refused(theirs.approveContentPiece({ contentPieceId }));
  same([author.reason, author.cause], ["INVALID_STATE", "own_work"], "who wrote it last");

  await own.withdrawContentPiece({ contentPieceId });
  await writes(writer, writer, piece);
  await own.submitContentPiece({ contentPieceId });
  const approved = await theirs.approveContentPiece({ contentPieceId });
  same([approved.state, approved.versionNumber], [ContentPieceState.APPROVED, 4], "the decision");
  must(approved.decidedBy !== approved.submittedBy && approved.decidedBy !== "", "another person's");
}

/** An approval is of one version: with the next there is none. */
export async function takesAnApprovalBack({ writer, manager, stranger }: Cast, piece: ContentPiece): Promise<void> {
  const { contentPieceId } = piece;
  await notFound(writes(stranger, writer, piece));
  same((await read(writer, piece)).state, ContentPieceState.APPROVED, "the state");

  const written = await writes(writer, writer, piece);

  same(written.number, 5, "the version");
  same((await read(writer, piece)).state, ContentPieceState.DRAFT, "the state");
  const undecided = await refused(manager.service(ContentPieceService).approveContentPiece({ contentPieceId }));
  same([undecided.reason, undecided.metadata["state"]], ["BAD_TRANSITION", "draft"], "nothing to approve");
}

/** What the month still holds is less than a question may take. */
export async function spendsTheBudget({ ceo, writer, stranger }: Cast, piece: ContentPiece): Promise<void> {
  const updateMask = { paths: ["monthly_token_budget"] };
  await ceo.service(AiProviderService).updateAiProvider({ aiProvider: { monthlyTokenBudget: 1n }, updateMask });
  const before = await read(writer, piece);

  const { heard, refusal } = await follow(writer, piece);

  same([refusal?.reason, refusal?.cause], ["PLAN_LIMIT", "ai_budget"], "a budget that is spent");
  const after = await read(writer, piece);
  const lasting = ({ state, versionNumber, score, editedBy, allowedActions }: ContentPiece) =>
    [state, versionNumber, score, editedBy, allowedActions];
  same(lasting(after), lasting(before), "the piece as it was");
  const [first] = heard;
  must(first?.case === "started", "a beginning");
  const { generationId } = first.value.generation ?? { generationId: "" };
  const tried = await writer.service(GenerationService).getGeneration({ generationId });
  same([tried.state, tried.failure], [GenerationState.FAILED, "ai_budget"], "the try");
  same(tried.failureMessage, after.generationFailure, "why it failed");
  await notFound(stranger.service(GenerationService).getGeneration({ generationId }));
}

/** Every question with its cost, and their sum; what was never asked costs nothing. */
export async function accounts({ ceo, manager, stranger }: Cast, { generation }: GeneratedDraft): Promise<void> {
  const { usages } = await ceo.service(AiProviderService).listAiUsage({});
  same(usages.map(({ step }) => step), [AiStep.CHECK, AiStep.DRAFT, AiStep.OUTLINE, AiStep.PROBE], "the questions");
  for (const { state, costMicros, currencyCode } of usages) {
    same([state, Number(costMicros), currencyCode], [AiUsageState.SUCCEEDED, MICROS, "USD"], "the cost of one");
  }
  for (const { generationId, personId } of usages.slice(0, 3)) {
    same([generationId, personId], [generation?.generationId, generation?.askedBy], "whose question");
  }
  same(Number(generation?.costMicros), 3 * MICROS, "the cost of the draft");

  const spent = await ceo.service(AiProviderService).getAiSpending({});
  same([Number(spent.tokens), Number(spent.costMicros)], [4 * TOKENS, 4 * MICROS], "the sum");
  same([spent.currencyCode, Number(spent.tokenBudget)], ["USD", 1], "beside its budget");

  const theirs = manager.service(AiProviderService);
  for (const call of [theirs.listAiUsage, theirs.getAiSpending]) {
    await forbidden(call({}), "administration.aiUsage.read");
  }
  same((await stranger.service(AiProviderService).listAiUsage({})).usages.length, 0, "the stranger's questions");
  same(Number((await stranger.service(AiProviderService).getAiSpending({})).tokens), 0, "the stranger's tokens");
}

/** The newest text once more, as `reader` sees it, written by `writer`. */
async function writes(
  writer: DevsphereClient,
  reader: DevsphereClient,
  { contentPieceId }: ContentPiece,
): Promise<ContentVersion> {
  const { content } = await reader.service(ContentPieceService).getContentVersion({ contentPieceId });
  must(content !== undefined, "a text");
  return writer.service(ContentPieceService).writeContent({ contentPieceId, content });
}
