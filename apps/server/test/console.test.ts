import { createServer } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { CONSOLES, type ConsoleSession, runConsole } from "../src/commands/console.ts";
import { Running, serve, wireyard } from "./processes.ts";

const masked = (text: string): string => text.replace(/[\d.]+ ms/g, "N ms");

describe("wireyard console varint-state", () => {
  it("runs the lines of a pipe, one after the other, and ends with 0", async () => {
    const { ready } = await serve(["--set", "protocols.varint-state.description=Hällo"]);
    const target = `127.0.0.1:${ready["varint-state"].tcp}`;
    const input = "ping 42\n\n  status \nstop\nping -1\nexit\nping 3\n";
    const { code, stdout, stderr } = await wireyard(["console", "varint-state", target], {}, input);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(masked(stdout).split("\n")).toEqual([
      "pong 42 in N ms",
      `server      ${target}`,
      "description Hällo",
      "version     Wireyard (protocol -1)",
      "players     1 of 10000",
      "latency     N ms",
      "stopped",
      "pong -1 in N ms",
    ]);
  });

  it("ends with the input, and with 1 where a line of it could not be run", async () => {
    const { ready } = await serve([]);
    const target = `127.0.0.1:${ready["varint-state"].tcp}`;
    const input = "help\nlogin\nping 1.5\nping 1 2\nping 7";
    const { code, stdout, stderr } = await wireyard(["console", "varint-state", target], {}, input);
    expect(code).toBe(1);
    expect(stdout.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "ping",
      "status",
      "stop",
      "help",
      "exit",
      "pong",
    ]);
    expect(stderr.split("\n")).toEqual([
      '"login" is no command; help lists them',
      '"1.5" is no payload; one is a whole number from -2^63 to 2^63-1',
      "ping takes one word at the most",
      "wireyard: 3 commands failed",
    ]);
  });

  it("answers the server's Pings and tells of them, and ends with 1 when the server closes", async () => {
    const server = await serve(["--set", "protocols.varint-state.keepAliveMs=100"]);
    const target = `127.0.0.1:${server.ready["varint-state"].tcp}`;
    const running = new Running(["console", "varint-state", target], {});
    await running.line("stdout", (line) => /^the server pinged with \d+, and was answered$/.test(line));
    server.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({
      code: 1,
      stderr: `wireyard: ${target}: the server closed the connection`,
    });
  });

  it("ends with 1 and a line where nothing listens", async () => {
    const { ready, child, ended } = await serve([]);
    child.kill("SIGTERM");
    await ended;
    const target = `127.0.0.1:${ready["varint-state"].tcp}`;
    expect(await wireyard(["console", "varint-state", target])).toEqual({
      code: 1,
      stdout: "",
      stderr: `wireyard: ${target}: the connection was refused; nothing listens there`,
    });
  });
});

describe("on a terminal", () => {
  it("stop gives up what is waited for, and a failed line is told and forgotten", async () => {
    // Takes the handshake and says nothing.
    const silent = createServer((socket) => onTestFinished(() => void socket.destroy()));
    onTestFinished(() => void silent.close());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const name = `127.0.0.1:${(silent.address() as { port: number }).port}`;
    const shown: string[] = [];
    const open = await CONSOLES["varint-state"]?.load();
    const target = { url: `tcp://${name}`, name };
    const session = (await open?.(target, { timeout: 10_000 }, (line) => shown.push(line))) as ConsoleSession;

    const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
    errors.on("data", (chunk) => shown.push(String(chunk).trim()));
    const console = runConsole(session, { input, output, errors, interactive: true }, name);
    input.write("ping 5\n");
    input.write("stop\n");
    await vi.waitFor(() => expect(shown).toEqual(["stopped", "stopped"]), 10_000);
    input.write("nothing\nexit\n");
    await console;
    expect(shown.at(-1)).toBe('"nothing" is no command; help lists them');
  });
});
