// A web server as one stands in front of a gateway: static files, and everything else passed on.

import { readFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const PAGE = '<!doctype html><meta charset="utf-8"><title>page</title><script type="module" src="/page.js"></script>';

/** Serves the page, and passes calls on to the gateway once there is one. */
export class Site {
  readonly #server: Server;
  readonly #script = readFileSync(new URL("page.js", import.meta.url));
  gateway: URL | undefined;

  private constructor() {
    this.#server = createServer((asked, answer) => this.#serve(asked, answer));
  }

  static async start(): Promise<Site> {
    const site = new Site();
    await new Promise<void>((resolve) => site.#server.listen(0, "127.0.0.1", resolve));
    return site;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(asked: IncomingMessage, answer: ServerResponse): void {
    if (asked.url === "/") {
      answer.writeHead(200, { "content-type": "text/html" }).end(PAGE);
    } else if (asked.url === "/page.js") {
      answer.writeHead(200, { "content-type": "text/javascript" }).end(this.#script);
    } else if (this.gateway) {
      this.#pass(this.gateway, asked, answer);
    } else {
      answer.writeHead(404).end();
    }
  }

  #pass(gateway: URL, asked: IncomingMessage, answer: ServerResponse): void {
    const { hostname, port } = gateway;
    const { method, url, headers } = asked;
    const onwards = request({ hostname, port, method, path: url, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.rawHeaders);
      answered.pipe(answer);
    });
    onwards.on("error", () => answer.headersSent ? answer.destroy() : answer.writeHead(502).end());
    // A client that stops listening ends the call.
    answer.on("close", () => onwards.destroy());
    asked.pipe(onwards);
  }
}
