// Lists as they are read: one record after another, the next page fetched when it is wanted.

import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { CallOptions, Transport } from "@connectrpc/connect";

/** A method with pages: `page_token` in, `next_page_token` out. */
export type ListMethod<I extends DescMessage, O extends DescMessage> = DescMethodUnary<I, O> &
  (MessageShape<I> extends { pageToken: string } ? unknown : never) &
  (MessageShape<O> extends { nextPageToken: string } ? unknown : never);

/** What a list answers: the one repeated field of its answer. */
export type Item<O extends DescMessage> = Exclude<
  {
    [K in keyof MessageShape<O>]: MessageShape<O>[K] extends (infer T)[] ? T : never;
  }[keyof MessageShape<O>],
  undefined
>;

/** Every page from the request's own on. */
export async function* pages<I extends DescMessage, O extends DescMessage>(
  transport: Transport,
  method: ListMethod<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions = {},
): AsyncGenerator<MessageShape<O>, void, undefined> {
  // A copy: the caller's request stays on its page.
  const next = { ...create(method.input, request) } as MessageShape<I> & { pageToken: string };
  do {
    const { signal, timeoutMs, headers, contextValues } = options;
    const input = next as MessageInitShape<I>;
    const answer = await transport.unary(method, signal, timeoutMs, headers, input, contextValues);
    yield answer.message;
    next.pageToken = (answer.message as unknown as { nextPageToken: string }).nextPageToken;
  } while (next.pageToken !== "");
}

/** Every record of every page. */
export async function* items<I extends DescMessage, O extends DescMessage>(
  transport: Transport,
  method: ListMethod<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions = {},
): AsyncGenerator<Item<O>, void, undefined> {
  const list = method.output.fields.find((field) => field.fieldKind === "list");
  if (!list) {
    throw new TypeError(`${method.output.typeName} has no list`);
  }
  for await (const page of pages(transport, method, request, options)) {
    yield* (page as unknown as Record<string, Item<O>[]>)[list.localName] ?? [];
  }
}
