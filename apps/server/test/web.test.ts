import { createHub, memoryAccounts } from "@wireyard/session";
import { pino } from "pino";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { RecentLog } from "../src/recent-log.ts";
import { AdminToken } from "../src/web/admin-token.ts";
import { Logins } from "../src/web/logins.ts";
import { OriginPolicy } from "../src/web/policy.ts";
import { startWeb } from "../src/web/web.ts";
import { Client } from "./sockets.ts";
import { startWebServer } from "./web-server.ts";

describe("the probes", () => {
  it("answer everybody, by whatever name they ask", async () => {
    const { ask } = await startWebServer();
    expect(await ask("/healthz", { headers: { host: "pod-7.internal" } })).toMatchObject({ status: 200 });
    expect(await ask("/readyz")).toMatchObject({ status: 200, body: "ready\n" });
  });

  it("answer a balancer that asks in HTTP/1.0 and names no host", async () => {
    const { port } = await startWebServer();
    const client = new Client(port);
    client.send("GET /readyz HTTP/1.0\r\n\r\n");
    expect(await client.receive(/ready\n/)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("say not ready where the account store does not answer, without saying why", async () => {
    const { ask, hub, logged } = await startWebServer();
    vi.spyOn(hub.accounts, "check").mockRejectedValue(new Error("disk on fire"));
    const { status, body } = await ask("/readyz");
    expect([status, body]).toEqual([503, "not ready: the account store or the back plane does not answer\n"]);
    expect(logged.join("")).toContain("disk on fire");
    expect((await ask("/healthz")).status).toBe(200);
  });

  it("say not ready where the account store hangs, and ask it once for many", async () => {
    const { ask, hub } = await startWebServer();
    const check = vi.spyOn(hub.accounts, "check").mockReturnValue(new Promise(() => {}));
    const answers = await Promise.all([ask("/readyz"), ask("/readyz"), ask("/readyz")]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(check).toHaveBeenCalledOnce();
  });

  it("say not ready while the server drains", async () => {
    const server = await startWebServer(["drainMs=300"]);
    const client = new Client(server.ports["colon-relay"]?.tcp ?? 0);
    client.send("0:ann:pw\n");
    await client.receive(/\n/);
    client.socket.allowHalfOpen = true;
    const closing = server.close();
    expect(await server.ask("/readyz")).toMatchObject({
      status: 503,
      body: "not ready: the server closes its sessions\n",
    });
    client.socket.destroy();
    await closing;
    await expect(server.ask("/healthz")).rejects.toThrow("ECONNREFUSED");
  });
});

describe("what needs the admin token", () => {
  it.each(["/metrics", "/api/overview", "/api/sessions", "/api/none", "/none"])(
    "%s is refused without it",
    async (path) => {
      const { ask } = await startWebServer();
      const { status, headers, body } = await ask(path);
      expect([status, headers["www-authenticate"]]).toEqual([401, "Bearer"]);
      expect(JSON.parse(body).error.code).toBe("unauthorized");
      expect((await ask(path, { headers: { authorization: "Bearer AAAA" } })).status).toBe(401);
    },
  );

  it("the page leads to the login", async () => {
    const { ask } = await startWebServer();
    const { status, headers } = await ask("/");
    expect([status, headers.location]).toEqual([303, "/login"]);
  });

  it("a link with the token logs in, and is left at once", async () => {
    const { ask, logIn, token, port, logged } = await startWebServer();
    const { status, headers } = await ask(`/login?token=${token}`);
    expect([status, headers.location, headers["referrer-policy"]]).toEqual([303, "/", "no-referrer"]);
    const cookie = headers["set-cookie"]?.[0] ?? "";
    expect(cookie).toMatch(
      new RegExp(`^wireyard_admin_${port}=[\\w-]{43}; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict$`),
    );
    expect(cookie).not.toContain(token);
    expect(await ask("/api/overview", { headers: { cookie: await logIn() } })).toMatchObject({ status: 200 });
    expect(logged.join("")).not.toContain(token);
  });

  it("so does the form; a wrong token gets the form again, and after 20 has to wait, but not the right one", async () => {
    const { ask, token, port } = await startWebServer();
    const headers = {
      origin: `http://127.0.0.1:${port}`,
      "content-type": "application/x-www-form-urlencoded",
    };
    const post = (body: string) => ask("/login", { method: "POST", headers, body });
    expect((await post(`token=${token}`)).status).toBe(303);
    const wrong = await post("token=no");
    expect([wrong.status, wrong.headers["set-cookie"]]).toEqual([401, undefined]);
    expect(wrong.body).toContain("That is not the admin token.");
    expect((await post("token=")).status).toBe(401);
    for (let i = 0; i < 18; i++) await ask("/metrics", { headers: { authorization: "Bearer no" } });
    expect((await post("token=no")).body).toContain("Too many wrong tokens");
    expect((await ask("/metrics", { headers: { authorization: "Bearer no" } })).status).toBe(429);
    expect((await post(`token=${token}`)).status).toBe(303);
    expect((await post("x".repeat(5_000))).status).toBe(413);
  });

  it("logging out ends the login, where our own page asks for it", async () => {
    const { ask, logIn, port } = await startWebServer();
    const cookie = await logIn();
    const overview = async () => (await ask("/api/overview", { headers: { cookie } })).status;
    await ask("/logout", { method: "POST", headers: { cookie } });
    expect(await overview()).toBe(200);
    const origin = `http://127.0.0.1:${port}`;
    const { headers } = await ask("/logout", { method: "POST", headers: { cookie, origin } });
    expect(headers.location).toBe("/login");
    expect(await overview()).toBe(401);
  });

  it("a login ends after twelve hours, and the oldest where there are more than 64", () => {
    let now = 0;
    const logins = new Logins(new AdminToken(undefined), () => now);
    const first = logins.start();
    now = 43_199_999;
    expect(logins.find(first.id)).toBe(first);
    now = 43_200_000;
    expect(logins.find(first.id)).toBeUndefined();
    const second = logins.start();
    for (let i = 0; i < 63; i++) logins.start();
    expect(logins.find(second.id)).toBe(second);
    logins.start();
    expect(logins.find(second.id)).toBeUndefined();
  });
});

describe("a browser that would change something", () => {
  it("must send its origin and the token against forged requests", async () => {
    const { ask, logIn, port } = await startWebServer();
    const cookie = await logIn();
    const { csrf } = JSON.parse((await ask("/api/session", { headers: { cookie } })).body);
    const kick = async (headers: Record<string, string>) =>
      (await ask("/api/sessions/70000/kick", { method: "POST", headers: { cookie, ...headers } })).status;
    const origin = `http://127.0.0.1:${port}`;
    expect(await kick({})).toBe(403);
    expect(await kick({ origin })).toBe(403);
    expect(await kick({ "x-csrf-token": csrf })).toBe(403);
    expect(await kick({ origin, "x-csrf-token": `${csrf}x` })).toBe(403);
    expect(await kick({ origin: "http://evil.example", "x-csrf-token": csrf })).toBe(403);
    // Past all that, there is no such session.
    expect(await kick({ origin, "x-csrf-token": csrf })).toBe(404);
  });
});

describe("names and origins", () => {
  it("that are not ours are refused, whatever is asked for", async () => {
    const { ask, port, token } = await startWebServer();
    const authorization = `Bearer ${token}`;
    const status = async (headers: Record<string, string>) =>
      (await ask("/api/overview", { headers: { authorization, ...headers } })).status;
    expect(await status({ host: `localhost:${port}` })).toBe(200);
    expect(await status({ host: `LOCALHOST:${port}` })).toBe(200);
    expect(await status({ host: "evil.example" })).toBe(403);
    expect(await status({ host: `evil.example:${port}` })).toBe(403);
    // Of a container or a tunnel another port leads here, and a client that is no browser may leave it out.
    for (const host of ["127.0.0.1:1", "127.0.0.1", "localhost"]) expect(await status({ host })).toBe(200);
    expect(await status({ host: "localhost:1", origin: "http://localhost:1" })).toBe(200);
    expect(await status({ host: "localhost:1", origin: "http://localhost:2" })).toBe(403);
    expect(await status({ host: "localhost", origin: "http://evil.example" })).toBe(403);
    // What is no name at all is no request.
    expect(await status({ host: `user@127.0.0.1:${port}` })).toBe(400);
    expect(await status({ origin: `http://127.0.0.1:${port}` })).toBe(200);
    expect(await status({ origin: "null" })).toBe(403);
    expect(await status({ origin: `http://localhost:${port}` })).toBe(403);
    expect((await ask("/login", { headers: { host: "evil.example" } })).status).toBe(403);
  });

  it("can be added: a name behind a proxy, and a page elsewhere", () => {
    const policy = new OriginPolicy({
      names: ["127.0.0.1"],
      origins: ["https://console.example"],
    });
    const origin = "https://console.example";
    expect(policy.allows({ host: "console.example", origin })).toBe(true);
    expect(policy.allows({ host: "127.0.0.1:8080", origin })).toBe(true);
    expect(policy.allows({ host: "127.0.0.1:8080", origin: "https://console.example:444" })).toBe(false);
    expect(policy.allows({ host: undefined, origin: undefined })).toBe(false);
  });

  it("are any address of the machine where it listens on all, but no other name", () => {
    const policy = new OriginPolicy({ names: ["0.0.0.0"], origins: [] });
    const allows = (host: string) => policy.allows({ host, origin: undefined });
    expect(["192.0.2.7:8080", "[2001:db8::1]:8080", "localhost:8080"].map(allows)).toEqual([
      true,
      true,
      true,
    ]);
    expect(["evil.example", "evil.example:8080", "192.0.2.7.evil.example", ""].map(allows)).toEqual(
      Array(4).fill(false),
    );
    const onEighty = new OriginPolicy({ names: ["::"], origins: [] });
    expect(onEighty.allows({ host: "192.0.2.7", origin: "http://192.0.2.7" })).toBe(true);
  });
});

describe("every answer", () => {
  it("forbids inline scripts, frames, guessing of types and keeping", async () => {
    const { ask, token } = await startWebServer();
    const paths = ["/healthz", "/", "/login", "/none", "/metrics", `/login?token=${token}`];
    for (const path of paths) {
      const { headers } = await ask(path);
      const csp = String(headers["content-security-policy"]);
      expect(csp).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
      expect(csp).toContain("frame-ancestors 'none'");
      expect(csp).not.toContain("unsafe");
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
    }
    expect(
      (await ask("/", { headers: { host: "evil.example" } })).headers["content-security-policy"],
    ).toContain("default-src 'none'");
  });
});

describe("what HTTP clients may do", () => {
  it("is bounded: the size of a head and the number of connections", async () => {
    const { ask, port } = await startWebServer();
    expect((await ask("/healthz", { headers: { x: "x".repeat(9_000) } })).status).toBe(431);
    const clients = Array.from({ length: 65 }, () => new Client(port));
    for (const client of clients) client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    const heads = await Promise.all(clients.map((client) => client.receive(/\r\n\r\n/)));
    const refused = heads.filter((head) => head.startsWith("HTTP/1.1 503 "));
    expect(refused).toHaveLength(1);
    for (const { socket } of clients) socket.destroy();
    await vi.waitFor(async () => expect((await ask("/healthz")).status).toBe(200), 10_000);
  });

  it("has to be asked in time: a head that drips is cut", async () => {
    const { config } = loadConfig({ env: {}, settings: ["web.port=0", "accounts=sqlite::memory:"] });
    const hub = createHub({ accounts: memoryAccounts() });
    const log = pino({ level: "silent" });
    const times = { headersTimeout: 100, requestTimeout: 200 };
    const node = { config, node: "n", hub, log, recent: new RecentLog() };
    const web = await startWeb({
      ...node,
      host: "127.0.0.1",
      protocols: {},
      services: {},
      drain() {},
      times,
    });
    onTestFinished(() => web.close());
    const [silent, slow] = [new Client(web.port), new Client(web.port)];
    slow.send("GET /healthz HTTP/1.1\r\nX: ");
    await Promise.all([silent.ended, slow.ended]);
  });

  it("is held to the limit of all connections while nothing is asked", async () => {
    const { port } = await startWebServer(["limits.connectionsPerIp=2"]);
    const [one, two, three] = [new Client(port), new Client(port), new Client(port)];
    await three.ended;
    one.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await one.receive(/alive/);
    expect(two.socket.destroyed).toBe(false);
  });
});
