// Headless Chromium and its tabs, and the word of the test that started them.

import { createInterface } from "node:readline/promises";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import type { Site } from "./server.js";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Works in a browser that nobody has used before. */
export async function inChromium(work: (browser: BrowserContext) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "devsphere-chromium-"));
  const browser = await chromium.launchPersistentContext(folder, {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });
  try {
    await work(browser);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The one line that the test writes, once the mesh is there. */
export async function told<T>(): Promise<T> {
  const lines = createInterface({ input: process.stdin });
  const { value: line } = await lines[Symbol.asyncIterator]().next();
  lines.close();
  return JSON.parse(line ?? "") as T;
}

export function origin(host: string, site: Site): string {
  return `http://${host}:${site.port}`;
}

/** A tab with the page in it. */
export async function tab(browser: BrowserContext, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction(() => window.page !== undefined);
  return page;
}
