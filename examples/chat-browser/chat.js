import { connectColonRelay } from "@wireyard/colon-relay/client";

/** The server that this page came from. */
const server = `${location.origin.replace("http", "ws")}/ws/colon-relay`;
/** A message that begins so is not shown: its sender tells its name. The relay itself knows ids alone. */
const NAME = "/name ";
const MAX_LINES = 500;

const [entry, composer] = document.forms;
const main = document.querySelector("main");
const state = document.getElementById("state");
const problem = document.getElementById("problem");
const lines = document.getElementById("lines");

/** The names of who is here, by id; a number sign and the id until one has told its name. */
const members = new Map();

entry.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(entry);
  const name = String(fields.get("name"));
  const room = String(fields.get("room"));
  problem.textContent = "";
  try {
    const client = await connectColonRelay({ url: server, reconnect: true });
    const leave = new AbortController();
    try {
      await client.login(name);
      await client.join(room);
      enter(room);
      composer.addEventListener("submit", (submit) => say(submit, client), { signal: leave.signal });
      await follow(client, name);
    } finally {
      leave.abort();
      client.close();
    }
  } catch (error) {
    problem.textContent = error.message;
  }
  entry.hidden = false;
  main.hidden = true;
});

function enter(room) {
  document.getElementById("title").textContent = document.title = room;
  tellState("online");
  lines.replaceChildren();
  entry.hidden = true;
  main.hidden = false;
  composer.querySelector("input").focus();
}

function say(event, client) {
  event.preventDefault();
  try {
    // To everybody in the one order that all see: our own message is shown when it comes back.
    client.send(String(new FormData(composer).get("text")), { to: "all", ordered: true });
    composer.reset();
  } catch (error) {
    showLine("Not sent", error.message, true);
  }
}

/** Shows what happens, until the client ends. */
async function follow(client, name) {
  for await (const event of client) {
    switch (event.type) {
      case "joined":
        if (event.id === client.id) {
          members.clear();
          members.set(event.id, name);
        } else {
          members.set(event.id, `#${event.id}`);
          // To this one alone: the others know our name.
          client.defineGroup("newcomer", [event.id]);
          client.sendToGroup("newcomer", NAME + name);
        }
        showMembers();
        break;
      case "left":
        members.delete(event.id);
        showMembers();
        break;
      case "message":
        if (event.text.startsWith(NAME)) {
          members.set(event.from, event.text.slice(NAME.length));
          showMembers();
        } else {
          showLine(members.get(event.from), event.text, event.from === client.id);
        }
        break;
      case "error":
        showLine("the server", event.text, false);
        break;
      case "lost":
        members.clear();
        showMembers();
        tellState("offline");
        break;
      case "back":
        tellState("online");
        break;
    }
  }
}

function tellState(word) {
  state.className = word;
  state.textContent = word === "online" ? "Online" : "Offline: coming back …";
}

function showMembers() {
  const items = [...members.values()].map((name) => element("li", name));
  document.getElementById("members").replaceChildren(...items);
}

function showLine(from, text, own) {
  const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  const line = element("li", "", own ? "own" : "");
  line.append(element("b", from), element("span", text));
  lines.append(line);
  while (lines.childElementCount > MAX_LINES) lines.firstElementChild.remove();
  if (isAtEnd) lines.scrollTop = lines.scrollHeight;
}

/** What others have said is text, never HTML. */
function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}
