import { functionNameOf, selfTimes, type CpuProfile } from './cpu-profile.js';

const [WIDTH, LINE, DEPTH_MAX] = [1_200, 16, 40];
/** Narrower ones are left out, in parts of the whole. */
const PART_MIN = 0.002;

interface Node {
  readonly name: string;
  readonly children: Map<string, Node>;
  time: number;
}

/** A flame graph as one SVG: width is time, a function stands below those that it calls; what is too narrow to be read is left out. */
export function flameGraph(profile: CpuProfile, title: string): string {
  const root = callTree(profile);
  const boxes: string[] = [];
  let deepest = 0;
  const draw = (node: Node, x: number, depth: number): void => {
    const width = (node.time / root.time) * WIDTH;
    if (node.time / root.time < PART_MIN || depth > DEPTH_MAX) return;
    deepest = Math.max(deepest, depth);
    boxes.push(box(node, x, depth, width, node.time / root.time));
    let at = x;
    for (const child of [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      draw(child, at, depth + 1);
      at += (child.time / root.time) * WIDTH;
    }
  };
  draw(root, 0, 0);
  const height = (deepest + 1) * LINE + 30;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    `<text x="4" y="16" font-size="13">${escape(title)}</text>`,
    // Drawn from the top: flipped, so that callers stand below.
    ...boxes.map((text) => text.replace(/y="(\d+)"/g, (_, y: string) => `y="${height - Number(y) - LINE}"`)),
    '</svg>',
    '',
  ].join('\n');
}

function callTree(profile: CpuProfile): Node {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const times = selfTimes(profile);
  const make = (name: string): Node => ({ name, children: new Map(), time: 0 });
  const add = (id: number, into: Node): number => {
    const node = byId.get(id);
    if (node === undefined) return 0;
    let time = times.get(id) ?? 0;
    for (const child of node.children ?? []) {
      const frame = byId.get(child)?.callFrame;
      if (frame === undefined || frame.functionName === '(idle)') continue;
      const name = functionNameOf(frame);
      const target = into.children.get(name) ?? make(name);
      into.children.set(name, target);
      time += add(child, target);
    }
    into.time += time;
    return time;
  };
  const root = make('all');
  const first = profile.nodes[0];
  if (first !== undefined) add(first.id, root);
  return root;
}

function box({ name, time: _ }: Node, x: number, depth: number, width: number, part: number): string {
  const hue = 20 + ([...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 35);
  const letters = Math.floor(width / 6.2);
  const label = letters < 4 ? '' : name.length <= letters ? name : `${name.slice(0, letters - 1)}…`;
  const y = depth * LINE;
  const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.3, width - 0.4).toFixed(1)}" height="${LINE - 1}" fill="hsl(${hue},85%,70%)"/>`;
  // Of the line's height: the text's base lies this far below the top of the box, upside down as all of them.
  const text = label === '' ? '' : `<text x="${(x + 2).toFixed(1)}" y="${y - LINE + 5}">${escape(label)}</text>`;
  return `<g><title>${escape(name)}: ${(part * 100).toFixed(1)} %</title>${rect}${text}</g>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
