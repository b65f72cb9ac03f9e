import type { ProtocolName } from "./config/schema.ts";
import { bracketed, reachable } from "./listen.ts";
import type { RunningServer } from "./server.ts";

/** What to paste for each protocol, and what comes back. */
const TRIES: Record<ProtocolName, { paste: (nc: string) => string; answer: string }> = {
  "colon-relay": {
    paste: (nc) => `printf '0:ann:pw\\n2:lobby\\n3:1:hello\\n' | ${nc}`,
    answer: "your id, you in the lobby, you its master, your hello",
  },
  "comma-command": {
    paste: (nc) => `printf '\\0\\0\\0\\6\\0whoami' | ${nc}`,
    answer: "error,nonfatal,not_logged_in behind its length",
  },
  "varint-state": {
    paste: (nc) => `printf '\\7\\0\\0\\1a\\0\\0\\1\\1\\0' | ${nc}`,
    answer: 'the status: {"version":…}',
  },
  "json-packet": {
    paste: (nc) => `echo '{"action":"handShake","data":{}}' | ${nc}`,
    answer: "your token and the server's",
  },
};

/** The one line that says the server is up. */
export function readyLine({ ports, web }: RunningServer): string {
  return `wireyard ready ${JSON.stringify({ pid: process.pid, ...ports, web: web?.port })}`;
}

/** For a terminal: per port a line to copy. */
export function banner({ ports, keys, host, web }: RunningServer): string {
  const lines = Object.entries(ports).flatMap(([name, { tcp, tls, udp }]) => {
    const { paste, answer } = TRIES[name as ProtocolName];
    const others = [tls === undefined ? "" : `, TLS ${tls}`, udp === undefined ? "" : `, UDP ${udp}`];
    const lines = ["", `${name}, TCP ${tcp}${others.join("")}`];
    const key = keys[name as ProtocolName];
    if (key?.required)
      return [...lines, ...encryptedTry(`tcp://${bracketed(reachable(host))}:${tcp}`, key.fingerprint)];
    lines.push(`  ${paste(`nc -q1 ${reachable(host)} ${tcp}`)}`, `  -> ${answer}`);
    if (tls !== undefined)
      lines.push(`  openssl s_client -quiet -connect ${bracketed(reachable(host))}:${tls}`);
    return lines;
  });
  if (web !== undefined) lines.push("", "web console", `  http://${bracketed(reachable(host))}:${web.port}/`);
  return [...lines, "", "Ctrl-C stops the server.", ""].join("\n");
}

/** What netcat cannot do: it encrypts nothing, and is refused. */
function encryptedTry(url: string, pin: string): string[] {
  return [
    "  encrypted clients only, such as that of @wireyard/json-packet/client:",
    `  connectJsonPacket({ url: "${url}", pin:`,
    `    "${pin}" })`,
  ];
}
