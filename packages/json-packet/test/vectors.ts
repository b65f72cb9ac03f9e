import { toHex, type Vector } from "@wireyard/framing/testing";

/** A packet as the tests see it: its data as the bytes they came as. */
interface Seen {
  action: string;
  data: string;
  created: number | null;
  token: string | null;
  missing?: string;
}

const TOKEN = "3f2b8a2e-9f3e-4b9a-8b60-1f6a2d7b6c11";
const hex = (text: string): string => toHex(new TextEncoder().encode(text));
const error = (code: string): unknown => ({ error: code });

/** The text of a PING with this data, and what it is read as. */
const ping = (data: string): string =>
  `{"action":"PING","data":${data},"packet-created":1.5,"token":"${TOKEN}"}`;
const pinged = (data: string): Seen => ({ action: "PING", data: hex(data), created: 1.5, token: TOKEN });

const accepted = (name: string, data: string, source: string): Vector => ({
  name,
  text: ping(data),
  events: [pinged(data)],
  source,
});
const refused = (name: string, data: string, code: string, source: string): Vector => ({
  name,
  text: ping(data),
  events: [error(code)],
  source,
});

const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const names = (count: number): string => Array.from({ length: count }, (_, i) => `"n${i}":${i}`).join(",");

/** What either side reads. */
export const vectors: Vector[] = [
  accepted("a packet", "null", "[JSON-2.1]"),
  {
    name: "packets with nothing between them",
    text: ping("1") + ping("2"),
    events: [pinged("1"), pinged("2")],
    source: "[JSON-1.1]",
  },
  {
    name: "packets with white space between them",
    text: ` \r\n\t${ping("1")}\n\n ${ping("2")}\n`,
    events: [pinged("1"), pinged("2")],
    source: "[JSON-1.1]",
  },
  {
    name: "a packet as json.dumps of Python writes it",
    text: `{"action": "PING", "data": {"example": "\\u00e9 \\ud83d\\ude00"}, "packet-created": 1546300800.1234567, "token": null}`,
    events: [
      {
        action: "PING",
        data: hex(`{"example": "\\u00e9 \\ud83d\\ude00"}`),
        created: 1546300800.1234567,
        token: null,
      },
    ],
    source: "[JSON-2.1]",
  },
  {
    name: "the fields in another order, with others between them",
    text: `{"token":"t","x":[{"action":"no"}],"packet-created":-1e3,"data":[1,2],"y":{},"action":"A"}`,
    events: [{ action: "A", data: hex("[1,2]"), created: -1000, token: "t" }],
    source: "[JSON-2.2]",
  },
  {
    name: "names and values spelled with escapes",
    text: `{"\\u0061ction":"P\\u0049NG","data":"\\"\\\\\\/\\b\\f\\n\\r\\t","packet-created":0,"token":"\\u0074"}`,
    events: [{ action: "PING", data: hex(`"\\"\\\\\\/\\b\\f\\n\\r\\t"`), created: 0, token: "t" }],
    source: "[JSON-1.7]",
  },
  {
    name: "white space wherever it may stand",
    text: ` { "action" : "A" ,\n"data" : [ 1 , { } , [ ] , { "a" : 2 } ] , "packet-created" : 0.25 , "token" : null } `,
    events: [{ action: "A", data: hex(`[ 1 , { } , [ ] , { "a" : 2 } ]`), created: 0.25, token: null }],
    source: "[JSON-1.5]",
  },
  { name: "an empty packet", text: "{}", events: [missing("action")], source: "[JSON-2.2]" },
  {
    name: "an action that is no string",
    text: `{"action":1}`,
    events: [missing("action")],
    source: "[JSON-2.2]",
  },
  {
    name: "no data",
    text: `{"action":"A","packet-created":1,"token":""}`,
    events: [{ action: "A", data: "", created: 1, token: "", missing: "data" }],
    source: "[JSON-2.2]",
  },
  {
    name: "no time",
    text: `{"action":"A","data":0,"token":""}`,
    events: [{ action: "A", data: hex("0"), created: null, token: "", missing: "packet-created" }],
    source: "[JSON-2.2]",
  },
  {
    name: "a time that is text",
    text: `{"action":"A","data":0,"packet-created":"1","token":""}`,
    events: [{ action: "A", data: hex("0"), created: null, token: "", missing: "packet-created" }],
    source: "[JSON-2.2]",
  },
  {
    name: "no token",
    text: `{"action":"A","data":0,"packet-created":1}`,
    events: [{ action: "A", data: hex("0"), created: 1, token: null, missing: "token" }],
    source: "[JSON-2.2]",
  },
  {
    name: "a token that is a number",
    text: `{"action":"A","data":0,"packet-created":1,"token":1}`,
    events: [{ action: "A", data: hex("0"), created: 1, token: null }],
    source: "[JSON-2.2]",
  },

  accepted("brackets and quotes in strings", `"}{][\\"}"`, "[JSON-1.1]"),
  accepted("text beyond ASCII", `"é☂😀"`, "[JSON-1.6]"),
  accepted("a byte order mark in a string", `"\ufeff"`, "[JSON-1.6]"),
  accepted("a surrogate pair as escapes", `"\\uD83D\\uDE00"`, "[JSON-1.8]"),
  accepted("a name of another object", `{"a":{"a":1},"b":[{"a":1},{"a":1}]}`, "[JSON-1.7]"),
  accepted("a field's name within the data", `{"action":"x","token":"y","action2":1}`, "[JSON-2.1]"),
  accepted("many names", `{${names(40)}}`, "[JSON-1.7]"),
  accepted("every literal", `[true,false,null]`, "[JSON-1.5]"),
  accepted("every form of number", `[0,-0,1,-1,10,0.5,-0.25,1e5,1E+5,1e-5,1.5e308,0e999]`, "[JSON-1.8]"),
  accepted("an integer of 309 digits that a double can hold", `1${"0".repeat(308)}`, "[JSON-1.8]"),
  accepted("nesting of 32", nested(31), "[JSON-1.4]"),

  refused("nesting of 33", nested(32), "too_deep", "[JSON-1.4]"),
  refused("a name twice", `{"a":1,"b":2,"a":3}`, "bad_json", "[JSON-1.7]"),
  refused("a name twice, spelled differently", `{"a":1,"\\u0061":3}`, "bad_json", "[JSON-1.7]"),
  refused("a name twice, the escape first", `{"\\u0061":1,"a":3}`, "bad_json", "[JSON-1.7]"),
  refused("a name twice within an array", `[[{"":1,"":1}]]`, "bad_json", "[JSON-1.7]"),
  refused("the first of many names twice", `{${names(40)},"n0":0}`, "bad_json", "[JSON-1.7]"),
  refused("the last of many names twice", `{${names(40)},"n39":0}`, "bad_json", "[JSON-1.7]"),
  refused("__proto__", `{"__proto__":null}`, "bad_json", "[JSON-1.7]"),
  refused("__proto__ among many names", `{${names(40)},"__proto__":{}}`, "bad_json", "[JSON-1.7]"),
  refused("__proto__ with an escape", `[{"\\u005f_proto__":1}]`, "bad_json", "[JSON-1.7]"),
  refused("a number beyond a double", "1e999", "bad_json", "[JSON-1.8]"),
  refused("a negative number beyond a double", "[-1e309]", "bad_json", "[JSON-1.8]"),
  refused("an integer beyond a double", `1${"0".repeat(309)}`, "bad_json", "[JSON-1.8]"),
  refused("half a surrogate pair", `"\\ud83d"`, "bad_json", "[JSON-1.8]"),
  refused("half a surrogate pair before an escape", `"\\ud83d\\n12345"`, "bad_json", "[JSON-1.8]"),
  refused("the second half of a pair", `"\\ude00"`, "bad_json", "[JSON-1.8]"),
  refused("a pair in the wrong order", `"\\ude00\\ud83d"`, "bad_json", "[JSON-1.8]"),
  refused("a control character in a string", `"a\u0001"`, "bad_json", "[JSON-1.5]"),
  refused("a line feed in a string", `"a\n"`, "bad_json", "[JSON-1.5]"),
  refused("an unknown escape", `"\\x41"`, "bad_json", "[JSON-1.5]"),
  refused("an escape of three digits", `"\\u041"`, "bad_json", "[JSON-1.5]"),
  refused("a trailing comma in an object", `{"a":1,}`, "bad_json", "[JSON-1.5]"),
  refused("a trailing comma in an array", `[1,]`, "bad_json", "[JSON-1.5]"),
  refused("a leading comma", `[,1]`, "bad_json", "[JSON-1.5]"),
  refused("no comma", `[1 2]`, "bad_json", "[JSON-1.5]"),
  refused("no colon", `{"a" 1}`, "bad_json", "[JSON-1.5]"),
  refused("a name without quotes", `{a:1}`, "bad_json", "[JSON-1.5]"),
  refused("single quotes", `{'a':1}`, "bad_json", "[JSON-1.5]"),
  refused("a comment", `/**/1`, "bad_json", "[JSON-1.5]"),
  refused("no value", "", "bad_json", "[JSON-1.5]"),
  refused("NaN", "NaN", "bad_json", "[JSON-1.5]"),
  refused("a misspelled literal", "nul1", "bad_json", "[JSON-1.5]"),
  refused("a literal with more behind it", "nulll", "bad_json", "[JSON-1.5]"),
  ...["01", "+1", "1.", ".5", "-", "1e", "1e+", "0x1", "--1"].map((form) =>
    refused(`the number ${form}`, form, "bad_json", "[JSON-1.5]"),
  ),
  { name: "brackets that do not match", text: `{"a":[}`, events: [error("bad_json")], source: "[JSON-1.5]" },
  { name: "an array", text: "[]", events: [error("bad_json")], source: "[JSON-1.5]" },
  { name: "a number", text: "1", events: [error("bad_json")], source: "[JSON-1.5]" },
  {
    name: "a packet before what is none",
    text: `${ping("1")}nonsense`,
    events: [pinged("1"), error("bad_json")],
    source: "[JSON-1.5]",
  },
  {
    name: "a byte order mark before a packet",
    hex: `efbbbf${hex(ping("1"))}`,
    events: [error("bad_json")],
    source: "[JSON-1.6]",
  },
  ...["ff", "c3", "c0af", "eda080", "f4908080"].map((bytes) => ({
    name: `${bytes} in a string, which is not UTF-8`,
    hex: `${hex('{"action":"')}${bytes}${hex('"}')}`,
    events: [error("bad_json")],
    source: "[JSON-1.6]",
  })),
  {
    name: "bytes that are not UTF-8 in a name among many",
    hex: `${hex(`{${names(40)},"`)}ff${hex('":1}')}`,
    events: [error("bad_json")],
    source: "[JSON-1.6]",
  },
];

function missing(field: string): Seen {
  return { action: "", data: "", created: null, token: null, missing: field };
}

/** What a server reads of HTTP. */
export const httpVectors: Vector[] = ["GET / HTTP/1.1\r\n\r\n", "POST /x HTTP/1.1\r\n\r\n{}"].map((text) => ({
  name: text.slice(0, 4),
  text,
  events: [error("http")],
  source: "[JSON-1.9]",
}));
