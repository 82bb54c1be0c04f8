// Where the states of a graph stand: each block from top to bottom, blocks inside their Parallel or Map. Pure.
import dagre from "@dagrejs/dagre";
import type { GraphEdge, GraphNode } from "../api/model";

export interface Point {
  x: number;
  y: number;
}

export interface Placed {
  node: GraphNode;
  /** Relative to the parent. */
  x: number;
  y: number;
  width: number;
  height: number;
  isGroup: boolean;
}

/** The way of an edge around the states. */
export interface Way {
  points: Point[];
  label: Point | null;
}

export interface Layout {
  placed: Placed[];
  /** By the edge's place in the list; absolute. Edges between blocks have none. */
  ways: Map<number, Way>;
}

const kWidth = 190;
const kHeight = 48;
const kPadding = 18;
/** Above the states inside a group: its own name and standing. */
const kGroupHead = 56;
const kLabelHeight = 18;
const kLabelLetter = 6.2;

const widthOf = (name: string): number => Math.min(280, Math.max(140, name.length * 7.6 + 34));

/** A block with its own origin; `moved` once it is known where it stands. */
interface Block {
  width: number;
  height: number;
  places: Placed[];
  inner: { of: Placed; block: Block }[];
  ways: Map<number, Way>;
}

/** `labels`: the text on each edge, or "". */
export function layOut(nodes: GraphNode[], edges: GraphEdge[], labels: string[]): Layout {
  const children = new Map<string | null, GraphNode[]>();
  for (const node of nodes) children.set(node.parent, [...(children.get(node.parent) ?? []), node]);

  const layBlock = (parent: string | null): Block => {
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    graph.setGraph({ rankdir: "TB", nodesep: 30, edgesep: 22, ranksep: 34 });
    graph.setDefaultEdgeLabel(() => ({}));
    const block: Block = { width: 0, height: 0, places: [], inner: [], ways: new Map() };
    for (const node of children.get(parent) ?? []) {
      const place: Placed = { node, x: 0, y: 0, width: widthOf(node.name), height: kHeight, isGroup: children.has(node.id) };
      if (place.isGroup) {
        const inner = layBlock(node.id);
        place.width = Math.max(kWidth, inner.width + 2 * kPadding);
        place.height = inner.height + kGroupHead + kPadding;
        block.inner.push({ of: place, block: inner });
      }
      block.places.push(place);
      graph.setNode(node.id, { width: place.width, height: place.height });
    }
    edges.forEach((edge, at) => {
      if (!graph.hasNode(edge.from) || !graph.hasNode(edge.to)) return;
      const label = labels[at] === "" ? {} : { width: labels[at].length * kLabelLetter + 8, height: kLabelHeight, labelpos: "c" };
      graph.setEdge(edge.from, edge.to, label, String(at));
    });
    dagre.layout(graph);
    for (const place of block.places) {
      const spot = graph.node(place.node.id) as Point;
      place.x = spot.x - place.width / 2;
      place.y = spot.y - place.height / 2;
    }
    for (const edge of graph.edges()) {
      const found = graph.edge(edge) as { points: Point[]; x?: number; y?: number };
      block.ways.set(Number(edge.name), { points: found.points, label: found.x === undefined || found.y === undefined ? null : { x: found.x, y: found.y } });
    }
    const size = graph.graph() as { width?: number; height?: number };
    block.width = size.width ?? 0;
    block.height = size.height ?? 0;
    return block;
  };

  const layout: Layout = { placed: [], ways: new Map() };
  const gather = (block: Block, origin: Point, inset: Point): void => {
    const moved = (point: Point): Point => ({ x: point.x + origin.x, y: point.y + origin.y });
    for (const [at, way] of block.ways) layout.ways.set(at, { points: way.points.map(moved), label: way.label && moved(way.label) });
    for (const place of block.places) {
      place.x += inset.x;
      place.y += inset.y;
      layout.placed.push(place);
      const inner = block.inner.find((candidate) => candidate.of === place);
      if (!inner) continue;
      const within = { x: (place.width - inner.block.width) / 2, y: kGroupHead };
      gather(inner.block, { x: origin.x - inset.x + place.x + within.x, y: origin.y - inset.y + place.y + within.y }, within);
    }
  };
  gather(layBlock(null), { x: 0, y: 0 }, { x: 0, y: 0 });
  return layout;
}
