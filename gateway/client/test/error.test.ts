// What the one error makes of the details that a refusal carries.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.js";
import { DevsphereError } from "../src/error.js";

test("reason, cause, what it speaks of, and the request's name come from the details", () => {
  const refusal = new ConnectError("changed since it was read", Code.Aborted, undefined, [
    {
      desc: ErrorInfoSchema,
      value: { reason: "CONFLICT", metadata: { cause: "stale_etag", etag: "W8" } },
    },
    { desc: RequestInfoSchema, value: { requestId: "r1" } },
  ]);

  const error = DevsphereError.from(refusal);

  assert.equal(error.message, "changed since it was read");
  assert.deepEqual([error.code, error.reason, error.cause], [Code.Aborted, "CONFLICT", "stale_etag"]);
  assert.equal(error.metadata["etag"], "W8");
  assert.equal(error.requestId, "r1");
  assert.deepEqual([error.allowed, error.violations, error.retryAfterMs], [[], [], undefined]);
});

test("the verbs allowed now are a list", () => {
  const metadata = { state: "lost", verb: "win", allowed: "reopen,delete" };
  const details = [{ desc: ErrorInfoSchema, value: { reason: "BAD_TRANSITION", metadata } }];
  const refusal = new ConnectError("no", Code.FailedPrecondition, undefined, details);

  assert.deepEqual(DevsphereError.from(refusal).allowed, ["reopen", "delete"]);
});

test("every field that breaks a rule is named, in the caller's language where there is one", () => {
  const fieldViolations = [
    { field: "lead.email", description: "must be an e-mail address", reason: "STRING_EMAIL" },
    {
      field: "lead.phone",
      description: "must be a number",
      reason: "STRING_PATTERN",
      localizedMessage: { locale: "de", message: "muss eine Nummer sein" },
    },
  ];
  const refusal = new ConnectError("two fields", Code.InvalidArgument, undefined, [
    { desc: BadRequestSchema, value: { fieldViolations } },
    { desc: LocalizedMessageSchema, value: { locale: "de", message: "zwei Felder" } },
  ]);

  const error = DevsphereError.from(refusal);

  assert.deepEqual([error.message, error.localizedMessage], ["two fields", "zwei Felder"]);
  assert.deepEqual(error.violations, [
    { field: "lead.email", description: "must be an e-mail address", reason: "STRING_EMAIL" },
    { field: "lead.phone", description: "muss eine Nummer sein", reason: "STRING_PATTERN" },
  ]);
});

test("the wait comes in milliseconds", () => {
  const retryDelay = { seconds: 2n, nanos: 500_000_000 };
  const details = [{ desc: RetryInfoSchema, value: { retryDelay } }];
  const refusal = new ConnectError("busy", Code.Unavailable, undefined, details);

  assert.equal(DevsphereError.from(refusal).retryAfterMs, 2500);
});

test("without details the code alone speaks", () => {
  const bare = DevsphereError.from(new ConnectError("bad gateway", Code.Unavailable));
  assert.deepEqual([bare.reason, bare.cause], ["UNAVAILABLE", undefined]);
});

test("a lost connection is unavailable, whatever fetch calls it", () => {
  const lost = DevsphereError.from(ConnectError.from(new TypeError("Failed to fetch")));
  assert.deepEqual([lost.code, lost.cause], [Code.Unavailable, "network"]);
});
