// Tokens, request ids, retries, deadlines and streams, against a mesh in memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  CreateLeadRequestSchema,
  ExportLeadsResponseSchema,
  LeadService,
} from "../gen/devsphere/crm/v1/lead_service_pb.js";
import { DevsphereError } from "../src/error.js";
import { busy, mesh } from "./mesh.js";

const leads = (...given: Parameters<typeof mesh>) => createClient(LeadService, mesh(...given));

async function refusal(work: Promise<unknown>): Promise<DevsphereError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof DevsphereError, String(thrown));
  return thrown;
}

test("a write carries a request id, the same in every attempt, and the caller's message stays as it was", async () => {
  const seen: string[] = [];
  const client = leads({
    createLead: (request) => {
      seen.push(request.requestId);
      if (seen.length < 3) {
        throw busy();
      }
      return { leadId: "l1" };
    },
  });
  const mine = create(CreateLeadRequestSchema, { lead: { displayName: "Maria" } });

  const lead = await client.createLead(mine);

  assert.equal(lead.leadId, "l1");
  assert.equal(seen.length, 3);
  assert.equal(new Set(seen).size, 1);
  assert.match(seen[0] ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(mine.requestId, "");
});

test("a request id that the caller gave is kept", async () => {
  const client = leads({ createLead: (request) => ({ note: request.requestId }) });
  assert.equal((await client.createLead({ requestId: "mine" })).note, "mine");
});

test("after three attempts the refusal is the caller's", async () => {
  let calls = 0;
  const client = leads({
    getLead: () => {
      calls += 1;
      throw busy();
    },
  });

  assert.equal((await refusal(client.getLead({}))).code, Code.Unavailable);
  assert.equal(calls, 3);
});

test("what does not pass is not tried again", async () => {
  let calls = 0;
  const client = leads({
    getLead: () => {
      calls += 1;
      throw new ConnectError("lead not found", Code.NotFound);
    },
  });

  assert.equal((await refusal(client.getLead({}))).reason, "NOT_FOUND");
  assert.equal(calls, 1);
});

test("a wait that ends after the deadline is not begun", async () => {
  const client = leads({
    getLead: () => {
      throw busy(900);
    },
  });
  const begun = performance.now();

  assert.equal((await refusal(client.getLead({}, { timeoutMs: 500 }))).code, Code.Unavailable);
  assert.ok(performance.now() - begun < 400);
});

test("a mesh that is down is soon asked once a call", async () => {
  let calls = 0;
  const client = leads({
    getLead: () => {
      calls += 1;
      throw busy();
    },
  });

  for (let round = 0; round < 20; round++) {
    await refusal(client.getLead({}));
  }

  // Ten retries are in store, and no call goes well that would earn another.
  assert.equal(calls, 20 + 10);
});

test("the caller's signal ends a wait", async () => {
  const given = new AbortController();
  const client = leads({
    getLead: () => {
      given.abort();
      throw busy(900);
    },
  });

  assert.equal((await refusal(client.getLead({}, { signal: given.signal }))).reason, "CANCELED");
});

test("a refused token is replaced once, and the call made again with the new one", async () => {
  const tokens = tokensOf("stale", "fresh");
  const client = leads(
    {
      getLead: (_, { requestHeader }) => {
        const bearer = requestHeader.get("authorization");
        if (bearer !== "Bearer fresh") {
          throw new ConnectError("not signed in", Code.Unauthenticated);
        }
        return { note: bearer };
      },
    },
    tokens,
  );

  assert.equal((await client.getLead({})).note, "Bearer fresh");
  assert.deepEqual(tokens.refused, ["stale"]);
});

test("a token refused twice is the caller's to know", async () => {
  const tokens = tokensOf("stale", "stale too");
  const client = leads(
    {
      getLead: () => {
        throw new ConnectError("not signed in", Code.Unauthenticated);
      },
    },
    tokens,
  );

  assert.equal((await refusal(client.getLead({}))).reason, "UNAUTHORIZED");
  assert.deepEqual(tokens.refused, ["stale"]);
});

test("a stream refused before its first message is begun again, and none after", async () => {
  let begun = 0;
  const client = leads({
    exportLeads: async function* () {
      begun += 1;
      if (begun === 1) {
        throw busy();
      }
      yield create(ExportLeadsResponseSchema, { rowCount: begun });
      throw busy();
    },
  });
  const rows: number[] = [];

  const error = await refusal(
    (async () => {
      for await (const piece of client.exportLeads({})) {
        rows.push(piece.rowCount);
      }
    })(),
  );

  assert.deepEqual(rows, [2]);
  assert.equal(error.code, Code.Unavailable);
});

test("who stops listening ends the stream", { timeout: 5_000 }, async () => {
  let ended = () => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const client = leads({
    exportLeads: async function* (_, context) {
      context.signal.addEventListener("abort", ended);
      for (;;) {
        yield create(ExportLeadsResponseSchema, { rowCount: 1 });
      }
    },
  });

  for await (const piece of client.exportLeads({})) {
    assert.equal(piece.rowCount, 1);
    break;
  }

  await end;
});

function tokensOf(...tokens: string[]) {
  const refused: string[] = [];
  return {
    refused,
    token: async () => tokens[0] ?? "",
    renew: async (stale: string) => {
      refused.push(stale);
      tokens.shift();
    },
  };
}
