import { hostname } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { firstOf } from "../src/web/paging.ts";
import { serve } from "./processes.ts";
import { Client, frame, STATUS_REQUEST } from "./sockets.ts";
import { type ApiAnswer, pagesOf, startWebServer, type WebServer } from "./web-server.ts";

async function enter(server: WebServer, name: string, room: string): Promise<Client> {
  const client = new Client(server.ports["colon-relay"]?.tcp ?? 0);
  client.send(`0:${name}:pw\n2:${room}\n`);
  await client.receive(/\n4:\d+\n/);
  return client;
}

describe("/api/overview", () => {
  it("tells sessions and messages by protocol", async () => {
    const server = await startWebServer();
    const ann = await enter(server, "ann", "lobby");
    await enter(server, "bob", "lobby");
    ann.send("3:1:hi\n");
    await ann.receive(/3:\d+:hi\n/);
    const varint = new Client(server.ports["varint-state"]?.tcp ?? 0);
    varint.send(STATUS_REQUEST);
    await varint.receive(/\}\}$/);
    const overview = await server.api("/api/overview");
    expect(overview).toMatchObject({
      node: `${hostname()}-${process.pid}`,
      state: "serving",
      sessions: 3,
      users: 0,
      rooms: 1,
      maxConnections: 10_000,
    });
    const byName = Object.fromEntries(overview.protocols.map((one: ApiAnswer) => [one.name, one]));
    // Joined, master, joined; the other's three; and the message for both.
    expect(byName["colon-relay"]).toMatchObject({ sessions: 2, opened: 2, received: 5, delivered: 8 });
    expect(byName["colon-relay"].ports).toEqual(server.ports["colon-relay"]);
    expect(byName["varint-state"]).toMatchObject({ sessions: 1, received: 2, delivered: 0 });
    expect(byName["json-packet"]).toMatchObject({ sessions: 0, opened: 0 });
    const [sample] = overview.samples;
    expect(sample.counts).toHaveLength(4);
    expect((await server.api(`/api/overview?after=${Date.now() + 60_000}`)).samples).toEqual([]);
  });
});

describe("/api/sessions", () => {
  it("gives the newest first, a page at a time, whoever leaves in between", async () => {
    const server = await startWebServer();
    const clients: Client[] = [];
    for (let i = 0; i < 7; i++) clients.push(await enter(server, `ann${i}`, "lobby"));
    const { rows, pages } = await pagesOf(server, "/api/sessions?limit=3");
    expect([rows.length, pages]).toEqual([7, 3]);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(7);
    const ages = rows.map(({ openedAt }) => openedAt);
    expect(ages).toEqual(ages.toSorted((a, b) => b - a));

    const first = await server.api("/api/sessions?limit=3");
    // The one that the next page begins behind is gone.
    const last = first.rows.at(-1);
    clients[Number(last.name.slice(3))]?.socket.destroy();
    await vi.waitFor(() => expect(server.hub.session(last.id)).toBeUndefined(), 10_000);
    const second = await server.api(`/api/sessions?limit=3&after=${first.next}`);
    const shown = new Set([...first.rows, ...second.rows].map(({ id }) => id));
    expect(shown.size).toBe(6);
  });

  it("tells who it is, and no secret", async () => {
    const server = await startWebServer();
    const comma = new Client(server.ports["comma-command"]?.tcp ?? 0);
    comma.send(frame("register,Carol,hunter-22"));
    await comma.receive(/ok/);
    comma.send(frame("login,carol,hunter-22"));
    await comma.receive(/ok/);
    const json = new Client(server.ports["json-packet"]?.tcp ?? 0);
    json.send('{"action":"handShake","data":{},"packet-created":1,"token":null}');
    const { uuid, remoteToken } = JSON.parse(await json.receive(/\n/)).data;
    await enter(server, "dan", "lobby");

    const { body } = await server.ask("/api/sessions", {
      headers: { authorization: `Bearer ${server.token}` },
    });
    const [colon, , carol] = JSON.parse(body).rows;
    expect(colon).toMatchObject({ protocol: "colon-relay", name: "dan", user: null, room: "lobby" });
    expect(carol).toMatchObject({ protocol: "comma-command", name: "Carol", user: "Carol", room: null });
    expect(carol).toMatchObject({ transport: "tcp", address: "127.0.0.1" });
    const paths = ["/api/overview", "/api/users", "/api/rooms", "/api/log?limit=200", "/metrics"];
    const headers = { authorization: `Bearer ${server.token}` };
    const others = await Promise.all(paths.map(async (path) => (await server.ask(path, { headers })).body));
    for (const secret of ["hunter-22", uuid, remoteToken, server.token]) {
      expect([body, ...others, ...server.logged].join("\n")).not.toContain(secret);
    }
    expect((await server.api("/api/sessions?user=CAR")).rows).toHaveLength(1);
    expect((await server.api("/api/sessions?protocol=json-packet")).rows).toHaveLength(1);
    expect((await server.api("/api/sessions?protocol=none")).rows).toEqual([]);
  });

  it("can be kicked", async () => {
    const server = await startWebServer();
    const ann = await enter(server, "ann", "lobby");
    const [{ id }] = (await server.api("/api/sessions")).rows;
    expect(await server.api(`/api/sessions/${id}/kick`, { method: "POST" })).toEqual({});
    await ann.ended;
    const { error } = await server.api(`/api/sessions/${id}/kick`, { method: "POST" });
    expect(error.code).toBe("no_such_session");
  });
});

describe("the lists", () => {
  it("of rooms and their members are paged, private rooms among them", async () => {
    const server = await startWebServer();
    for (const name of ["b", "a", "c"]) await enter(server, "ann", name);
    await enter(server, "bob", "c:secret");
    await enter(server, "eve", "d:secret");
    const { rows, pages } = await pagesOf(server, "/api/rooms?limit=2");
    expect(pages).toBe(2);
    expect(rows.map(({ name, members, private: closed }) => [name, members, closed])).toEqual([
      ["a", 1, false],
      ["b", 1, false],
      ["c", 2, false],
      ["d", 1, true],
    ]);
    const members = await pagesOf(server, "/api/rooms/c/members?limit=1");
    expect(members.rows.map(({ name, master }) => [name, master])).toEqual([
      ["ann", true],
      ["bob", false],
    ]);
    expect((await server.api("/api/rooms/none/members")).error.code).toBe("no_such_room");
    expect(JSON.stringify(rows)).not.toContain("secret");
  });

  it("of users are paged", async () => {
    const server = await startWebServer();
    const comma = new Client(server.ports["comma-command"]?.tcp ?? 0);
    for (const name of ["cid", "ann", "bob"]) {
      comma.send(frame(`register,${name},hunter-22`));
      await comma.receive(/ok/);
    }
    comma.send(frame("login,bob,hunter-22"));
    await comma.receive(/ok/);
    const { rows, pages } = await pagesOf(server, "/api/users?limit=2");
    expect([rows, pages]).toEqual([
      [
        { name: "ann", sessions: 0 },
        { name: "bob", sessions: 1 },
        { name: "cid", sessions: 0 },
      ],
      2,
    ]);
  });

  it.each([
    "/api/sessions?limit=0",
    "/api/sessions?limit=201",
    "/api/sessions?limit=1e2",
    "/api/sessions?after=70000",
    "/api/rooms/a/members?after=-1",
    "/api/overview?after=x",
    "/api/log?after=x",
    "/api/log?level=loud",
  ])("refuse %s", async (path) => {
    const server = await startWebServer();
    expect((await server.api(path)).error.code).toBe("bad_parameter");
  });

  it("are refused while the account store does not answer", async () => {
    const server = await startWebServer();
    vi.spyOn(server.hub.accounts, "list").mockRejectedValue(new Error("gone"));
    expect(await server.api("/api/users")).toEqual({
      error: { code: "unavailable", message: "the account store or the back plane does not answer" },
    });
  });

  it("find the first of many in their order", () => {
    const numbers = Array.from({ length: 100 }, (_, i) => (i * 37) % 101);
    const compare = (a: number, b: number) => a - b;
    const sorted = numbers.toSorted(compare);
    expect(firstOf(numbers, 10, compare)).toEqual(sorted.slice(0, 10));
    expect(firstOf(numbers, 10, compare, sorted[9])).toEqual(sorted.slice(10, 20));
    expect(firstOf(numbers, 200, compare)).toEqual(sorted);
  });
});

describe("/api/drain", () => {
  it("does what SIGTERM does", async () => {
    const server = await serve(["--set", "web.port=0"]);
    const admin = await server.line("stdout", (text) => text.startsWith("wireyard admin "));
    const { origin, searchParams } = new URL(admin.slice("wireyard admin ".length));
    const headers = { authorization: `Bearer ${searchParams.get("token")}` };
    const answer = await fetch(`${origin}/api/drain`, { method: "POST", headers });
    expect([answer.status, await answer.json()]).toEqual([202, { state: "draining" }]);
    expect((await server.ended).code).toBe(0);
  });

  it("is begun behind the answer", async () => {
    const drain = vi.fn();
    const server = await startWebServer([], { drain });
    expect(await server.api("/api/drain", { method: "POST" })).toEqual({ state: "draining" });
    expect(drain).toHaveBeenCalledOnce();
  });
});

describe("/metrics", () => {
  it("has a help, a type and values for each, with labels that no client chooses", async () => {
    const server = await startWebServer();
    const ann = await enter(server, 'ann"}\\', 'room"}\\');
    ann.send("3:1:hi\n");
    await ann.receive(/3:\d+:hi\n/);
    const headers = { authorization: `Bearer ${server.token}` };
    const answer = await server.ask("/metrics", { headers });
    expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const lines = answer.body.trimEnd().split("\n");
    const families = lines.filter((line) => line.startsWith("# TYPE "));
    expect(lines.filter((line) => line.startsWith("# HELP "))).toHaveLength(families.length);
    const value = /^[a-z_]+(\{(protocol|reason|version)="[\w.-]+"\})? \d+(\.\d+)?(e[+-]?\d+)?$/;
    for (const line of lines) expect(line).toMatch(line.startsWith("#") ? /^# (HELP|TYPE) [a-z_]+ ./ : value);
    expect(lines).toContain('wireyard_sessions{protocol="colon-relay"} 1');
    expect(lines).toContain('wireyard_messages_received_total{protocol="colon-relay"} 3');
    expect(lines).toContain('wireyard_connections_refused_total{reason="rate"} 0');
    expect(lines).toContain("wireyard_rooms 1");
  });
});
