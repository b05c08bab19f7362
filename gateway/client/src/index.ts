// The TypeScript client of DevSphere OS. Each module's types and services are `@devsphere/client/<module>/v1`.

export { Code, type CallOptions } from "@connectrpc/connect";
export { type ClientOptions, createClient, type DevsphereClient } from "./client.js";
export { memory, type TokenStore } from "./custody.js";
export { DevsphereError, type Reason, type Violation } from "./error.js";
export type { Item, ListMethod } from "./pages.js";
export type { Standing } from "./session.js";
