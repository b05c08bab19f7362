// The access token of one session in one organisation, and how long it is good for.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Grant } from "../gen/devsphere/identity/v1/session_pb.js";

/** An access token in memory; it is written nowhere. */
export interface Access {
  readonly token: string;
  readonly sessionId: string;
  readonly organizationId: string;
  /** Milliseconds of `now()`: from here on a fresh one is fetched in the background … */
  readonly renewFrom: number;
  /** … and from here on nothing is sent before it is there. */
  readonly renewBefore: number;
}

/** A clock that nobody sets; a machine's idea of the date may be years off. */
export const now = (): number => performance.now();

/** Part of a token's life after which it is renewed ahead. */
const AHEAD = 2 / 3;
/** A call that begins this long before the end may still arrive in time. */
const MARGIN_MS = 10_000;

/** What a grant allows, received just now. */
export function accessOf(grant: Grant, received = now()): Access {
  const life = lifeMs(grant);
  return {
    token: grant.accessToken,
    sessionId: grant.sessionId,
    organizationId: grant.organizationId,
    renewFrom: received + life * AHEAD,
    renewBefore: received + Math.max(life - MARGIN_MS, life / 2),
  };
}

// By the server's own two times where the token tells them, so that clocks need not agree.
function lifeMs(grant: Grant): number {
  const expires = grant.accessExpireTime ? timestampMs(grant.accessExpireTime) : Date.now();
  return Math.max(0, expires - (issuedMs(grant.accessToken) ?? Date.now()));
}

function issuedMs(token: string): number | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const issued: unknown = JSON.parse(atob(payload)).iat;
    return typeof issued === "number" ? issued * 1000 : undefined;
  } catch {
    return undefined;
  }
}
