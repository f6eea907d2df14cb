// Headless Chromium over its DevTools protocol: one page, what it says and how it looks.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { afterwards, eventually, within } from "./waiting.mjs";

export class Page {
  #next = 1;
  #waiting = new Map();
  /** Console errors, exceptions and refused loads (a content security policy, a wrong address). */
  complaints = [];
  /** Every address that was asked for. */
  requests = [];

  static async open(t, { width = 1280, height = 900, dark = false } = {}) {
    const page = new Page();
    const profile = mkdtempSync(join(tmpdir(), "lapwing-browser-"));
    const child = spawn(process.env.CHROMIUM ?? "chromium", [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
      "--disable-background-networking", "--remote-debugging-port=0", `--user-data-dir=${profile}`,
      `--window-size=${width},${height}`, "about:blank",
    ], { stdio: ["ignore", "ignore", "pipe"] });
    const gone = new Promise((done) => child.on("close", done));
    afterwards(t, async () => {
      page.socket?.terminate();
      child.kill("SIGKILL");
      await gone;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    });
    let output = "";
    child.stderr.on("data", (data) => (output += data));
    const found = await eventually(async () => /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(output), "Chromium to start");
    const targets = await (await fetch(`http://127.0.0.1:${found[1]}/json`)).json();
    const target = targets.find(({ type }) => type === "page");
    page.socket = new WebSocket(target.webSocketDebuggerUrl, { perMessageDeflate: false });
    page.socket.on("message", (data) => page.#take(JSON.parse(data.toString())));
    await within(new Promise((done) => page.socket.on("open", done)), "the DevTools connection");
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.call(`${domain}.enable`);
    await page.call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await page.call("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
    });
    return page;
  }

  #take(message) {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
      return;
    }
    const { method, params } = message;
    if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled" && params.type === "error") this.complaints.push(params.args.map(({ value }) => value).join(" "));
    if (method === "Log.entryAdded" && params.entry.level === "error") this.complaints.push(params.entry.text);
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
  }

  async call(method, params = {}) {
    const id = this.#next++;
    const answered = new Promise((done) => this.#waiting.set(id, done));
    this.socket.send(JSON.stringify({ id, method, params }));
    const answer = await within(answered, method);
    assert.equal(answer.error, undefined, `${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }

  async go(url) {
    await this.call("Page.navigate", { url });
  }

  /** The value of an expression in the page. */
  async value(expression) {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    assert.equal(exceptionDetails, undefined, exceptionDetails?.exception?.description);
    return result.value;
  }

  /** What a person reads in the first element that fits; "" when there is none. */
  text(selector) {
    return this.value(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`);
  }

  /** When the expression is truthy. Pages are asked again and again: they change by themselves. */
  until(expression, what, ms) {
    return eventually(() => this.value(expression).catch(() => undefined), what, ms);
  }

  /** A PNG as a buffer. */
  async picture() {
    const { data } = await this.call("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data, "base64");
  }
}
