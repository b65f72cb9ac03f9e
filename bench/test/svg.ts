/** Every tag is closed, in order: what any reader of SVG asks for. */
export function isWellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, end, name = "", , self] of svg.matchAll(
    /<(\/?)([a-z]+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/?)>/gi,
  )) {
    if (self) continue;
    if (!end) open.push(name);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0 && !/[<>]/.test(svg.replace(/<style>.*?<\/style>/s, "").replace(/<[^<>]*>/g, ""));
}
