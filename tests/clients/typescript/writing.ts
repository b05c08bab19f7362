// The first half of the journey: no provider and then one, what an agent writes, a person's edit.

import { AiProviderKind, AiProviderService } from "@devsphere/client/administration/v1";
import {
  ContentOrigin,
  type ContentPiece,
  ContentPieceService,
  ContentPieceState,
  type GeneratedDraft,
  GenerationState,
} from "@devsphere/client/seo/v1";
import { AiStep } from "@devsphere/client/type/v1";
import { type Cast, flags, follow, forbidden, notFound, read } from "./cast.js";
import { must, refused, same } from "./must.js";

/** The model takes longer than this over its draft; what came all at once was no stream. */
const LEAST_MS = 500;

export async function hasNoProvider({ writer }: Cast, piece: ContentPiece): Promise<void> {
  const { heard, refusal } = await follow(writer, piece);

  same([refusal?.reason, refusal?.cause], ["AI_FAILED", "no_provider"], "without a provider");
  const [first] = heard;
  must(first?.case === "started", "a beginning");
  same(first.value.generation?.state, GenerationState.QUEUED, "the try");
  must(!heard.some((event) => event.case === "draft"), "no draft");
  const after = await read(writer, piece);
  same([after.state, after.versionNumber], [ContentPieceState.BRIEF, 0], "the piece as it was");
  must(after.generationFailure !== "", "why it failed");
}

export async function connects({ ceo, manager, stranger }: Cast, model: string): Promise<void> {
  const connect = (baseUrl: string) => ({
    aiProvider: {
      kind: AiProviderKind.OPENAI,
      baseUrl,
      model: "author",
      apiKey: "sk-of-the-north",
      prices: { currencyCode: "USD", inputMicros: 3_000_000n, outputMicros: 15_000_000n },
    },
    updateMask: { paths: ["*"] },
  });
  const providers = ceo.service(AiProviderService);

  const closed = await refused(providers.updateAiProvider(connect("http://10.1.2.3")));
  same(closed.violations.map(({ field }) => field), ["ai_provider.base_url"], "a private address");
  const theirs = manager.service(AiProviderService);
  for (const call of [() => theirs.updateAiProvider(connect(model)), () => theirs.probeAiProvider({})]) {
    await forbidden(call(), "administration.aiProvider.update");
  }

  const connected = await providers.updateAiProvider(connect(model));
  same(connected.apiKey, "", "the key, never shown");
  const { latencyMs, usage } = await providers.probeAiProvider({});
  must(latencyMs > 0, "a latency");
  same(usage?.step, AiStep.PROBE, "the question");
  const elsewhere = await refused(stranger.service(AiProviderService).probeAiProvider({}));
  same([elsewhere.reason, elsewhere.cause], ["AI_FAILED", "no_provider"], "the other organisation's provider");
}

/** What the last message of the stream says. */
export async function generates({ writer }: Cast, piece: ContentPiece): Promise<GeneratedDraft> {
  const { heard, refusal, tookMs } = await follow(writer, piece);

  same(refusal?.message, undefined, "a draft");
  const [first, last] = [heard.shift(), heard.pop()];
  must(first?.case === "started", "started first");
  same(first.value.contentPiece?.state, ContentPieceState.GENERATING, "the state meanwhile");
  must(last?.case === "draft", "the draft last");
  must(tookMs > LEAST_MS, `a stream, not ${heard.length} messages in ${tookMs} ms`);
  const told = heard.flatMap((event) => (event.case === "progress" ? [event.value] : []));
  const percents = told.map(({ percent }) => percent);
  same(percents, [...percents].sort((left, right) => left - right), "percents that grow");
  must((percents[0] ?? 0) < (percents.at(-1) ?? 0), `more at the end of ${percents}`);
  const outlines = told.filter(({ outline }) => outline.length > 0);
  same(outlines.map(({ outline }) => outline.length), [2], "the outline, once");

  const { generation, contentPiece, contentVersion } = last.value;
  same(generation?.generationId, first.value.generation?.generationId, "the try");
  same([contentVersion?.number, contentVersion?.origin], [1, ContentOrigin.AGENT], "the version");
  same(flags(contentVersion).length, 1, "flags of the second reader");
  const body = contentVersion?.content?.body ?? "";
  must(flags(contentVersion).every((quote) => quote !== "" && body.includes(quote)), "a quote of the text");
  same(contentPiece?.state, ContentPieceState.DRAFT, "the state");
  same((await read(writer, piece)).etag, contentPiece?.etag, "the piece");
  return last.value;
}

/** Who may read but not write, and who must not know that there is anything. */
export async function keepsOthersOut({ viewer, stranger, writer }: Cast, piece: ContentPiece): Promise<void> {
  const before = await read(writer, piece);
  const { contentPieceId } = piece;

  const seen = await follow(viewer, piece);
  same([seen.refusal?.reason, seen.heard.length], ["FORBIDDEN", 0], "a viewer's draft");
  same(seen.refusal?.metadata["permission"], "seo.contentPieces.generate", "what a viewer lacks");
  same((await read(viewer, piece)).title, piece.title, "what a viewer reads");

  const unseen = await follow(stranger, piece);
  same([unseen.refusal?.reason, unseen.heard.length], ["NOT_FOUND", 0], "a stranger's draft");
  const theirs = stranger.service(ContentPieceService);
  for (const call of [theirs.getContentPiece, theirs.submitContentPiece, theirs.approveContentPiece]) {
    await notFound(call({ contentPieceId }));
  }
  same((await read(writer, piece)).etag, before.etag, "the piece as it was");
}

/** Takes out the sentence that the second reader flagged. */
export async function edits({ writer }: Cast, { contentPiece, contentVersion }: GeneratedDraft): Promise<void> {
  must(contentPiece !== undefined && contentVersion?.content !== undefined, "a text");
  const { contentPieceId, etag } = contentPiece;
  const body = flags(contentVersion).reduce((text, quote) => text.replace(quote, ""), contentVersion.content.body);
  const pieces = writer.service(ContentPieceService);
  const edit = { contentPieceId, etag, content: { ...contentVersion.content, body } };

  const written = await pieces.writeContent(edit);

  same([written.number, written.origin, flags(written)], [2, ContentOrigin.PERSON, []], "no flag any more");
  must(written.score > contentVersion.score, `a better score than ${contentVersion.score}`);
  const stale = await refused(pieces.writeContent(edit));
  same([stale.reason, stale.cause], ["CONFLICT", "stale_etag"], "a stale etag");
  same((await read(writer, contentPiece)).versionNumber, 2, "the version");
}
