import { afterEach, describe, expect, it, vi } from "vitest";
import { startWebServer } from "./web-server.ts";

afterEach(() => void vi.unstubAllEnvs());

describe("/examples", () => {
  it("is served to everybody where the server runs from its sources", async () => {
    const server = await startWebServer();
    const index = await server.ask("/examples/");
    expect(index).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
    expect(index.body).toContain('href="./chat-browser/"');
    const script = /src="(\/examples\/[^"]+\.js)"/.exec((await server.ask("/examples/cursors/")).body)?.[1];
    expect(await server.ask(script ?? "")).toMatchObject({
      status: 200,
      headers: { "content-type": "text/javascript; charset=utf-8" },
    });
  });

  it("leads to the slash behind which a page's files are, and tells what there is not", async () => {
    const server = await startWebServer();
    for (const path of ["/examples", "/examples/chat-browser"]) {
      expect(await server.ask(path)).toMatchObject({ status: 302, headers: { location: `${path}/` } });
    }
    for (const path of ["/examples/none/", "/examples/../package.json", "/examples/chat-browser/chat.js"]) {
      expect((await server.ask(path)).status).not.toBe(200);
    }
  });

  it("may speak to servers elsewhere, and else keeps the policy of all pages", async () => {
    const server = await startWebServer();
    const policyOf = async (path: string): Promise<string> =>
      String((await server.ask(path)).headers["content-security-policy"]);
    expect(await policyOf("/login")).toContain("connect-src 'self';");
    const policy = (await policyOf("/login")).replace("connect-src 'self'", "connect-src 'self' ws: wss:");
    expect(await policyOf("/examples/")).toBe(policy);
  });

  it("is not there in production", async () => {
    vi.stubEnv("NODE_ENV", "production");
    const server = await startWebServer();
    expect((await server.ask("/examples/")).status).toBe(401);
  });
});
