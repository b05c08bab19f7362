// When a failed call is tried again, and after how long.

import { Code } from "@connectrpc/connect";
import { canceled, type DevsphereError } from "./error.js";

/** Without word of the mesh: up to this long before the second attempt, twice that before the third. */
const FIRST_DELAY_MS = 200;
/** A hint is kept to, plus up to this part of it, so that not all come back at once. */
const SPREAD = 0.2;

/** May the same call succeed a little later? */
export function isPassing(error: DevsphereError): boolean {
  return (
    error.code === Code.Unavailable ||
    (error.code === Code.ResourceExhausted && error.retryAfterMs !== undefined)
  );
}

/** How long to wait after that many attempts. */
export function delayMs(error: DevsphereError, tries: number, random = Math.random): number {
  return error.retryAfterMs === undefined
    ? FIRST_DELAY_MS * 2 ** (tries - 1) * random()
    : error.retryAfterMs * (1 + SPREAD * random());
}

/** Retries, in store for bad times: a mesh that is down is not asked three times as often. */
export class Budget {
  static readonly #FULL = 10;
  /** One retry for ten calls that went well. */
  static readonly #EARNED = 0.1;
  #left = Budget.#FULL;

  earn(): void {
    this.#left = Math.min(Budget.#FULL, this.#left + Budget.#EARNED);
  }

  /** Takes one retry; false when none is left. */
  spend(): boolean {
    if (this.#left < 1) {
      return false;
    }
    this.#left -= 1;
    return true;
  }
}

/** Waits, unless the caller gives up. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(canceled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) {
      abort();
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}
