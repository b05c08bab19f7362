// One session: renewal ahead and once for all, one organisation, and the end of it for everybody.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Grant } from "../gen/devsphere/identity/v1/session_pb.js";
import { BodyCustody, memory } from "../src/custody.js";
import { DevsphereError } from "../src/error.js";
import { type Refresh, Session } from "../src/session.js";
import { grant } from "./mesh.js";

const silent = () => undefined;

async function stored(token = "r0"): Promise<BodyCustody> {
  const custody = BodyCustody.of(memory());
  await custody.write(token);
  return custody;
}

function refreshes(answer: (count: number) => Grant): { refresh: Refresh; sent: string[] } {
  const sent: string[] = [];
  const refresh: Refresh = async (token) => {
    sent.push(token);
    return answer(sent.length);
  };
  return { refresh, sent };
}

test("twenty who ask at once share one refresh", async () => {
  const { refresh, sent } = refreshes((count) => grant(`t${count}`));
  const session = new Session(await stored(), "", refresh, silent);

  const tokens = await Promise.all(Array.from({ length: 20 }, () => session.token()));

  assert.deepEqual(new Set(tokens), new Set(["t1"]));
  assert.deepEqual(sent, ["r0"]);
});

test("clients that share a refresh token use it one after another", async () => {
  const { refresh, sent } = refreshes((count) => grant(`t${count}`));
  const custody = await stored();
  const sessions = Array.from({ length: 5 }, () => new Session(custody, "", refresh, silent));

  await Promise.all(sessions.map((session) => session.token()));

  assert.deepEqual(sent, ["r0", "refresh-t1", "refresh-t2", "refresh-t3", "refresh-t4"]);
});

test("clients in one organisation take over what one of them has fetched", async () => {
  const { refresh, sent } = refreshes((count) => grant(`t${count}`));
  const custody = await stored();
  const [one, two] = [new Session(custody, "", refresh, silent), new Session(custody, "", refresh, silent)];
  await one.begin(grant("t"));
  await two.begin(grant("t"));

  await Promise.all([one.renew("t"), two.renew("t")]);

  assert.deepEqual([await one.token(), await two.token()], ["t1", "t1"]);
  assert.equal(sent.length, 1);
});

test("nothing is sent with a token at its end", async () => {
  const { refresh, sent } = refreshes((count) => grant(`t${count}`));
  const session = new Session(await stored(), "", refresh, silent);
  await session.begin(grant("over", "north", 0));

  assert.equal(await session.token(), "t1");
  assert.deepEqual(sent, ["refresh-over"]);
});

test("a grant for another organisation ends the client, and its tokens are not used", async () => {
  const ends: (DevsphereError | undefined)[] = [];
  const { refresh } = refreshes(() => grant("t1", "south"));
  const session = new Session(await stored(), "", refresh, (error) => ends.push(error));
  await session.begin(grant("t0", "north"));

  await assert.rejects(session.renew("t0"), { cause: "other_organization" });

  await assert.rejects(session.token(), { reason: "UNAUTHORIZED" });
  assert.equal(session.standing, undefined);
  assert.equal(ends.length, 1);
});

test("a grant for somebody else ends the client", async () => {
  const other = { ...grant("t1"), person: { ...grant("t1").person, personId: "p2" } } as Grant;
  const { refresh } = refreshes(() => other);
  const session = new Session(await stored(), "", refresh, silent);
  await session.begin(grant("t0"));

  await assert.rejects(session.renew("t0"), { cause: "other_person" });
  assert.equal(session.standing, undefined);
});

test("a refused refresh ends the session for all who share it, an unavailable one does not", async () => {
  let code = Code.Unavailable;
  const refresh: Refresh = async () => {
    throw new ConnectError("no", code);
  };
  const custody = await stored();
  const ended: string[] = [];
  const [one, two] = ["one", "two"].map(
    (name) => new Session(custody, "", refresh, () => ended.push(name)),
  ) as [Session, Session];
  await one.begin(grant("t0"));
  await two.begin(grant("t0"));

  await assert.rejects(one.renew("t0"), { code: Code.Unavailable });
  assert.equal(await one.token(), "t0");

  code = Code.Unauthenticated;
  await assert.rejects(one.renew("t0"), { code: Code.Unauthenticated });
  assert.deepEqual(ended, ["one", "two"]);
  await assert.rejects(two.token(), { reason: "UNAUTHORIZED" });
  assert.equal(await custody.read(), undefined);
});

test("without a refresh token nothing is asked", async () => {
  const { refresh, sent } = refreshes(() => grant("t1"));
  const session = new Session(BodyCustody.of(memory()), "", refresh, silent);

  await assert.rejects(session.token(), { cause: "no_session" });
  assert.deepEqual(sent, []);
});
