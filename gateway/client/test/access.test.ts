// When an access token is renewed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { accessOf } from "../src/access.js";
import { grant } from "./mesh.js";

test("a token is renewed ahead in its last third, and at once ten seconds before its end", () => {
  const access = accessOf(grant("opaque", "north", 600_000), 5_000);

  assert.ok(Math.abs(access.renewFrom - 405_000) < 100, String(access.renewFrom));
  assert.ok(Math.abs(access.renewBefore - 595_000) < 100, String(access.renewBefore));
});

test("its life is what the server's own two times say, however wrong our clock is", () => {
  const hourLater = 3_600_000;
  const issued = Math.floor((Date.now() + hourLater) / 1000);
  const token = `x.${btoa(JSON.stringify({ iat: issued }))}.x`;

  const access = accessOf(grant(token, "north", hourLater + 600_000), 0);

  assert.ok(access.renewBefore > 588_000 && access.renewBefore < 592_000, String(access.renewBefore));
});
