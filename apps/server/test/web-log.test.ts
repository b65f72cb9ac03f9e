import { Secret } from "@wireyard/session";
import { describe, expect, it } from "vitest";
import { logTo } from "../src/log.ts";
import { RecentLog } from "../src/recent-log.ts";
import { serve } from "./processes.ts";
import { type ApiAnswer, pagesOf, startWebServer } from "./web-server.ts";

const messages = (rows: ApiAnswer[]): string[] => rows.map(({ message }) => message);

describe("/api/log", () => {
  it("gives the newest first, a page at a time, whatever is logged in between", async () => {
    const server = await startWebServer();
    for (let i = 0; i < 7; i++) server.log.info({ i }, `counted ${i}`);
    const { rows, pages } = await pagesOf(server, "/api/log?limit=3&text=counted");
    expect(pages).toBe(3);
    expect(messages(rows)).toEqual([6, 5, 4, 3, 2, 1, 0].map((i) => `counted ${i}`));
    expect(rows[0]).toMatchObject({ level: "info", fields: { i: 6 } });
    expect(Math.abs(Date.now() - rows[0].at)).toBeLessThan(60_000);

    const first = await server.api("/api/log?limit=3&text=counted");
    server.log.info("counted 7");
    const second = await server.api(`/api/log?limit=3&text=counted&after=${first.next}`);
    expect(messages(second.rows)).toEqual(["counted 3", "counted 2", "counted 1"]);
  });

  it("is filtered by level and by a text, of the message or beside it", async () => {
    const server = await startWebServer();
    server.log.debug("one");
    server.log.warn({ room: "Lobby" }, "two");
    server.log.error({ err: new Error("the disk is full") }, "three");
    const found = async (query: string): Promise<string[]> =>
      messages((await server.api(`/api/log?${query}`)).rows);
    expect(await found("level=warn")).toEqual(["three", "two"]);
    expect(await found("level=error")).toEqual(["three"]);
    expect(await found("text=LOBBY")).toEqual(["two"]);
    expect(await found("text=disk%20is%20full")).toEqual(["three"]);
    expect(await found("level=error&text=lobby")).toEqual([]);
    expect(await found("level=trace&text=one")).toEqual(["one"]);
  });

  it("has what wireyard serve has logged, and the admin token no more than its log", async () => {
    const server = await serve(["--set", "web.port=0"]);
    const admin = await server.line("stdout", (text) => text.startsWith("wireyard admin "));
    const { origin, searchParams } = new URL(admin.slice("wireyard admin ".length));
    const token = searchParams.get("token") ?? "";
    // Each of these is logged.
    await fetch(`${origin}/login?token=${token}`, { redirect: "manual" });
    await fetch(`${origin}/api/log`, { headers: { authorization: `Bearer ${token}x` } });
    const answer = await fetch(`${origin}/api/log`, { headers: { authorization: `Bearer ${token}` } });
    const text = await answer.text();
    const shown = messages(JSON.parse(text).rows);
    expect(shown.slice(0, 2)).toEqual([
      "somebody has shown a wrong admin token",
      "the administrator logged in",
    ]);
    expect(shown).toContain("accounts are open");
    expect(text).not.toContain(token);
    expect((await fetch(`${origin}/api/log`)).status).toBe(401);
  });
});

describe("the last lines of the log", () => {
  function logger(): { log: ReturnType<typeof logTo>; recent: RecentLog } {
    const recent = new RecentLog();
    return { log: logTo("trace", (line) => recent.add(line)), recent };
  }

  it("are a thousand", () => {
    const { log, recent } = logger();
    for (let i = 0; i < 1_500; i++) log.info(`${i}`);
    const kept = [...recent.newest()];
    expect([kept.length, kept[0]?.message, kept.at(-1)?.message]).toEqual([1_000, "1499", "500"]);
    expect([...recent.newest(kept.at(-2)?.id)].map(({ message }) => message)).toEqual(["500"]);
  });

  it("are a mebibyte, and a long one does not take the place of the others", () => {
    const { log, recent } = logger();
    for (let i = 0; i < 200; i++) log.info({ long: "x".repeat(10_000) }, `${i}`);
    const kept = [...recent.newest()];
    expect(kept[0]?.message).toBe("199");
    expect(kept.length).toBeGreaterThan(90);
    expect(kept.length).toBeLessThan(105);
    log.error({ long: "x".repeat(2_000_000) }, "too long");
    const [last, ...others] = [...recent.newest()];
    expect(last).toMatchObject({ level: "error", message: "too long" });
    expect(last?.fields.shortenedFromBytes).toBeGreaterThan(2_000_000);
    expect(others.length).toBeGreaterThan(90);
  });

  it("show no secret, and nothing that a terminal obeys or that turns text round", () => {
    const { log, recent } = logger();
    log.info(
      { secret: new Secret("hunter2"), name: "a\u001b[2J\u202eb\nc" },
      "joined\n%s",
      new Secret("hunter2"),
    );
    const shown = JSON.stringify([...recent.newest()]);
    expect(shown).not.toContain("hunter2");
    expect(JSON.parse(shown)[0]).toMatchObject({
      message: "joined\\n[secret]",
      fields: { secret: "[secret]", name: "a\\u001b[2J\\u202eb\\nc" },
    });
  });
});
