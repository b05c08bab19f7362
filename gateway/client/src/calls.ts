// What stands between a typed call and the wire: token, deadline, request id, retries, one error.

import {
  clone,
  create,
  type DescMessage,
  type DescMethod,
  getOption,
  isMessage,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, type StreamResponse, type Transport } from "@connectrpc/connect";
import { SessionService } from "../gen/devsphere/identity/v1/session_service_pb.js";
import { access } from "../gen/devsphere/options/v1/options_pb.js";
import { now } from "./access.js";
import { canceled, DevsphereError } from "./error.js";
import { Budget, delayMs, isPassing, pause } from "./retry.js";

/** Where access tokens come from. */
export interface Tokens {
  token(): Promise<string>;
  /** Replaces a token that was refused. */
  renew(stale: string): Promise<void>;
}

/** How long a call may take, and how often it is tried. */
export interface Patience {
  readonly timeoutMs: number;
  readonly streamTimeoutMs: number;
  readonly attempts: number;
}

/** A transport that signs in, waits and tries again for its callers. */
export function patient(
  wire: Transport,
  tokens: Tokens,
  patience: Patience,
  headers: Readonly<Record<string, string>>,
): Transport {
  const budget = new Budget();
  const run = <T>(call: Call, attempt: Attempt<T>) =>
    persist(call, attempt, tokens, budget, { ...patience, headers });

  return {
    unary(method, signal, timeoutMs, header, input, contextValues) {
      const message = prepare(method, input);
      const until = deadline(timeoutMs ?? patience.timeoutMs);
      const call = { method, message, signal, until, header };
      return run(call, (headers, leftMs) =>
        wire.unary(method, signal, leftMs, headers, message, contextValues),
      );
    },

    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const messages: MessageShape<typeof method.input>[] = [];
      for await (const message of input) {
        messages.push(prepare(method, message));
      }
      const until = deadline(timeoutMs ?? patience.streamTimeoutMs);
      const call = { method, message: messages[0], signal, until, header };
      return run(call, (headers, leftMs) => {
        const cut = new AbortController();
        const either = signal ? AbortSignal.any([signal, cut.signal]) : cut.signal;
        const request = replay(messages as MessageInitShape<typeof method.input>[]);
        const answer = wire.stream(method, either, leftMs, headers, request, contextValues);
        return begun(answer, cut);
      });
    },
  };
}

type Attempt<T> = (headers: Headers, leftMs: number | undefined) => Promise<T>;

interface Call {
  readonly method: DescMethod;
  readonly message: unknown;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds of `now()`. */
  readonly until: number;
  readonly header: HeadersInit | undefined;
}

async function persist<T>(
  call: Call,
  attempt: Attempt<T>,
  tokens: Tokens,
  budget: Budget,
  rules: Patience & { readonly headers: Readonly<Record<string, string>> },
): Promise<T> {
  const needsToken = !getOption(call.method, access).public;
  const mayRepeat = isRepeatable(call.method, call.message);
  let renewed = false;
  for (let tries = 1; ; ) {
    const token = needsToken ? await within(tokens.token(), call) : undefined;
    try {
      const answer = await attempt(headersOf(call, rules.headers, token), left(call.until));
      budget.earn();
      return answer;
    } catch (thrown) {
      const error = DevsphereError.from(thrown);
      if (error.code === Code.Unauthenticated && token !== undefined && !renewed) {
        renewed = true;
        await within(tokens.renew(token), call);
        continue;
      }
      const waitMs = delayMs(error, tries);
      const inTime = now() + waitMs < call.until;
      if (!mayRepeat || !isPassing(error) || tries >= rules.attempts || !inTime || !budget.spend()) {
        throw error;
      }
      tries += 1;
      await pause(waitMs, call.signal);
    }
  }
}

function headersOf(
  call: Call,
  usual: Readonly<Record<string, string>>,
  token: string | undefined,
): Headers {
  const headers = new Headers(usual);
  new Headers(call.header).forEach((value, name) => headers.set(name, value));
  if (token !== undefined) {
    headers.set("authorization", `Bearer ${token}`);
  }
  return headers;
}

// A read has no effect, and an effect with a request id happens once. A refresh repeated at once
// gets the same successor; `Refresh` is given less time than that holds.
function isRepeatable(method: DescMethod, message: unknown): boolean {
  return (
    method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ||
    method === SessionService.method.refresh ||
    (hasRequestId(method) && requestIdOf(message) !== "")
  );
}

function prepare<I extends DescMessage>(
  method: DescMethod & { input: I },
  input: MessageInitShape<I>,
): MessageShape<I> {
  const message = isMessage(input, method.input)
    ? clone(method.input, input as MessageShape<I>)
    : create(method.input, input);
  if (hasRequestId(method) && requestIdOf(message) === "") {
    (message as { requestId?: string }).requestId = crypto.randomUUID();
  }
  return message;
}

function hasRequestId(method: DescMethod): boolean {
  return method.input.field["requestId"] !== undefined;
}

function requestIdOf(message: unknown): string {
  return (message as { requestId?: string }).requestId ?? "";
}

function deadline(timeoutMs: number): number {
  return timeoutMs > 0 ? now() + timeoutMs : Number.POSITIVE_INFINITY;
}

// What the wire takes: undefined where nothing ends it, and never zero, which says the same.
function left(until: number): number | undefined {
  return until === Number.POSITIVE_INFINITY ? undefined : Math.max(1, Math.ceil(until - now()));
}

// The work is everybody's and goes on; only this caller stops waiting.
function within<T>(work: Promise<T>, call: Call): Promise<T> {
  return new Promise((resolve, reject) => {
    const leftMs = left(call.until);
    const stop = (error: DevsphereError) => {
      call.signal?.removeEventListener("abort", abort);
      clearTimeout(timer);
      reject(error);
    };
    const abort = () => stop(canceled());
    const late = () => stop(lateness());
    const timer = leftMs === undefined ? undefined : setTimeout(late, leftMs);
    if (call.signal?.aborted) {
      return abort();
    }
    call.signal?.addEventListener("abort", abort);
    work.then(
      (value) => {
        call.signal?.removeEventListener("abort", abort);
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => stop(DevsphereError.from(error)),
    );
  });
}

function lateness(): DevsphereError {
  return new DevsphereError({
    code: Code.DeadlineExceeded,
    message: "deadline exceeded",
    reason: "DEADLINE_EXCEEDED",
  });
}

async function* replay<T>(messages: readonly T[]): AsyncGenerator<T> {
  yield* messages;
}

// Waits for the first message: what is refused is refused here, where it can be tried again.
async function begun<I extends DescMessage, O extends DescMessage>(
  answer: Promise<StreamResponse<I, O>>,
  cut: AbortController,
): Promise<StreamResponse<I, O>> {
  const response = await answer;
  const messages = response.message[Symbol.asyncIterator]();
  const first = await messages.next();
  return { ...response, message: rest(first, messages, cut) };
}

async function* rest<T>(
  first: IteratorResult<T>,
  messages: AsyncIterator<T>,
  cut: AbortController,
): AsyncGenerator<T> {
  try {
    for (let next = first; !next.done; next = await messages.next()) {
      yield next.value;
    }
  } catch (thrown) {
    throw DevsphereError.from(thrown);
  } finally {
    // Who stops listening early ends the stream.
    cut.abort();
  }
}
