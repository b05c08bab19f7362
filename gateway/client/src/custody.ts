// Where the refresh token lies, and who may use it now: it is good for one use, so one at a time.

/** What clients of one session tell each other. */
export type Notice =
  | { readonly kind: "granted"; readonly grant: Uint8Array }
  | { readonly kind: "ended"; readonly sessionId: string };

/** The refresh token's keeper. */
export interface Custody {
  /** What to say in the body, empty where a cookie says it; undefined where there is none. */
  read(): Promise<string | undefined>;
  /** Keeps the next one; undefined forgets it. Does nothing where a cookie keeps it. */
  write(token: string | undefined): Promise<void>;
  /** Runs the work while nobody else that shares the token refreshes, signs in or signs out. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** Tells the others that share the token. */
  tell(from: Listener, notice: Notice): void;
  hear(listener: Listener): void;
  /** Ends the hearing. */
  leave(listener: Listener): void;
}

export type Listener = (notice: Notice) => void;

/** Keeps a refresh token for a client outside of a browser, a file or a key ring for instance. */
export interface TokenStore {
  get(): string | undefined | Promise<string | undefined>;
  set(token: string | undefined): void | Promise<void>;
}

/** A store that forgets with the process. */
export function memory(): TokenStore {
  let kept: string | undefined;
  return {
    get: () => kept,
    set: (token) => {
      kept = token;
    },
  };
}

/** One after another. */
class Queue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine;
    return mine;
  }
}

const ofStores = new WeakMap<TokenStore, BodyCustody>();

/** The token is ours to keep: answers carry it in the body. */
export class BodyCustody implements Custody {
  readonly #store: TokenStore;
  readonly #queue = new Queue();
  readonly #listeners = new Set<Listener>();

  private constructor(store: TokenStore) {
    this.#store = store;
  }

  /** The one custody of that store, for all clients that share it. */
  static of(store: TokenStore): BodyCustody {
    const custody = ofStores.get(store) ?? new BodyCustody(store);
    ofStores.set(store, custody);
    return custody;
  }

  async read(): Promise<string | undefined> {
    return await this.#store.get();
  }

  async write(token: string | undefined): Promise<void> {
    await this.#store.set(token);
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(work);
  }

  tell(from: Listener, notice: Notice): void {
    for (const listener of this.#listeners) {
      if (listener !== from) {
        listener(notice);
      }
    }
  }

  hear(listener: Listener): void {
    this.#listeners.add(listener);
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener);
  }
}

/** The browser keeps the token in a cookie that no script can read, one for all tabs. */
export class CookieCustody implements Custody {
  readonly #name: string;
  readonly #queue = new Queue();
  readonly #channels = new Map<Listener, BroadcastChannel>();

  constructor(baseUrl: string) {
    this.#name = `devsphere ${baseUrl}`;
  }

  async read(): Promise<string> {
    return "";
  }

  async write(): Promise<void> {}

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    // Without locks the tabs may refresh at once: for 10 s the mesh gives each the same successor.
    const locks = globalThis.navigator?.locks;
    return locks ? locks.request(this.#name, work) : this.#queue.run(work);
  }

  tell(from: Listener, notice: Notice): void {
    this.#channels.get(from)?.postMessage(notice);
  }

  hear(listener: Listener): void {
    if (typeof BroadcastChannel === "undefined") {
      return;
    }
    const channel = new BroadcastChannel(this.#name);
    channel.onmessage = (event: MessageEvent<Notice>) => listener(event.data);
    this.#channels.set(listener, channel);
  }

  leave(listener: Listener): void {
    this.#channels.get(listener)?.close();
    this.#channels.delete(listener);
  }
}
