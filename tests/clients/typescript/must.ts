// Assertions that hold in a browser as well as in Node.

import { DevsphereError } from "@devsphere/client";

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) {
    throw new Error(`expected: ${what}`);
  }
}

export function same(found: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  must(left === right, `${what}: ${right}, found ${left}`);
}

/** The refusal of a call that must not go well. */
export async function refused(work: Promise<unknown>): Promise<DevsphereError> {
  try {
    await work;
  } catch (thrown) {
    must(thrown instanceof DevsphereError, `a DevsphereError, not ${thrown}`);
    return thrown;
  }
  throw new Error("expected: a refusal");
}

/** Asks until it holds, for ten seconds at most. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  must(false, what);
}
