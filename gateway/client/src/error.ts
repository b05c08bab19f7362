// Why a call failed, in the words of the contract: one class for every refusal and every fault.

import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.js";

/** What went wrong, for programs. The list is open: treat an unknown one by its `code`. */
export type Reason =
  | "UNAUTHORIZED"
  | "INVALID_API_KEY"
  | "FORBIDDEN"
  | "INSUFFICIENT_SCOPE"
  | "NOT_FOUND"
  | "BAD_REQUEST"
  | "INVALID_STATE"
  | "BAD_TRANSITION"
  | "CONFLICT"
  | "ALREADY_EXISTS"
  | "PLAN_LIMIT"
  | "LOCKED"
  | "RATE_LIMITED"
  | "OVERLOADED"
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "METHOD_NOT_ALLOWED"
  | "STEP_UP_REQUIRED"
  | "SECOND_FACTOR_REQUIRED"
  | "CSRF"
  | "AI_FAILED"
  | "QUERY_FAILED"
  | "CREATE_FAILED"
  | "UPDATE_FAILED"
  | "DELETE_FAILED"
  /** The caller's own `AbortSignal` ended the call. */
  | "CANCELED"
  | (string & {});

/** One field that breaks a rule. */
export interface Violation {
  /** Path from the request's root, as in `lead.email`. */
  readonly field: string;
  /** For people, in the caller's language where the mesh has it. */
  readonly description: string;
  /** The rule's name in capitals, as in `STRING_EMAIL`. */
  readonly reason: string;
}

/** What a `DevsphereError` is made of. */
export interface Failure {
  readonly code: Code;
  readonly message: string;
  readonly localizedMessage?: string | undefined;
  readonly reason: Reason;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
}

/** The one error that this package throws. */
export class DevsphereError extends Error {
  /** The gRPC code. */
  readonly code: Code;
  readonly reason: Reason;
  /** For people, in the caller's language where the mesh has it; `message` is for developers. */
  readonly localizedMessage: string | undefined;
  /** The finer cause, as in `stale_etag`; `proto/causes.md` says what to do about each. */
  override readonly cause: string | undefined;
  /** What the cause speaks of, as in `etag`, `state`, `permission`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Every field that breaks a rule. */
  readonly violations: readonly Violation[];
  /** The verbs that the record's state allows now. */
  readonly allowed: readonly string[];
  /** Trying again sooner does not help; undefined where waiting does not. */
  readonly retryAfterMs: number | undefined;
  /** The name by which the logs know the request. */
  readonly requestId: string | undefined;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = "DevsphereError";
    this.code = failure.code;
    this.reason = failure.reason;
    this.localizedMessage = failure.localizedMessage;
    this.metadata = failure.metadata ?? {};
    this.cause = this.metadata["cause"];
    this.violations = failure.violations ?? [];
    this.allowed = this.metadata["allowed"]?.split(",").filter((verb) => verb !== "") ?? [];
    this.retryAfterMs = failure.retryAfterMs;
    this.requestId = failure.requestId;
  }

  /** Whatever was thrown, as the one error. */
  static from(thrown: unknown): DevsphereError {
    if (thrown instanceof DevsphereError) {
      return thrown;
    }
    if (isLostConnection(thrown)) {
      return unavailable("the gateway cannot be reached", "network");
    }
    return read(ConnectError.from(thrown));
  }
}

/** A failure of the way to the gateway. */
export function unavailable(message: string, cause: string): DevsphereError {
  return new DevsphereError({
    code: Code.Unavailable,
    message,
    reason: "UNAVAILABLE",
    metadata: { cause },
  });
}

/** No session, or one that is over. */
export function unauthorized(message: string, cause: string): DevsphereError {
  return new DevsphereError({
    code: Code.Unauthenticated,
    message,
    reason: "UNAUTHORIZED",
    metadata: { cause },
  });
}

/** The caller does not wait any longer. */
export function canceled(): DevsphereError {
  return new DevsphereError({ code: Code.Canceled, message: "canceled", reason: "CANCELED" });
}

function read(error: ConnectError): DevsphereError {
  const detail = <T extends Message>(schema: GenMessage<T>) => error.findDetails(schema)[0];
  const info = detail(ErrorInfoSchema);
  const delay: Duration | undefined = detail(RetryInfoSchema)?.retryDelay;
  return new DevsphereError({
    code: error.code,
    message: error.rawMessage,
    localizedMessage: detail(LocalizedMessageSchema)?.message,
    reason: info?.reason || usualReason(error.code),
    metadata: { ...info?.metadata },
    violations: (detail(BadRequestSchema)?.fieldViolations ?? []).map((violation) => ({
      field: violation.field,
      description: violation.localizedMessage?.message || violation.description,
      reason: violation.reason,
    })),
    retryAfterMs: delay && durationMs(delay),
    requestId: detail(RequestInfoSchema)?.requestId,
  });
}

// Something between us and the mesh, a proxy for instance, knows no reasons.
function usualReason(code: Code): Reason {
  switch (code) {
    case Code.Canceled:
      return "CANCELED";
    case Code.Unauthenticated:
      return "UNAUTHORIZED";
    case Code.PermissionDenied:
      return "FORBIDDEN";
    case Code.NotFound:
      return "NOT_FOUND";
    case Code.InvalidArgument:
      return "BAD_REQUEST";
    case Code.ResourceExhausted:
      return "RATE_LIMITED";
    case Code.Unavailable:
      return "UNAVAILABLE";
    case Code.DeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case Code.Unimplemented:
      return "METHOD_NOT_ALLOWED";
    default:
      return "UNKNOWN";
  }
}

// `fetch` says so with a TypeError, and nothing else of ours throws one into a call.
function isLostConnection(thrown: unknown): boolean {
  const inner = thrown instanceof ConnectError ? thrown.cause : thrown;
  return inner instanceof TypeError;
}
