// The definition as a picture; with a run's path in it, coloured by how each state stands.
import { Background, BaseEdge, Controls, EdgeLabelRenderer, Handle, MarkerType, MiniMap, Position, ReactFlow, type Edge, type EdgeProps, type Node, type NodeProps, type ReactFlowInstance } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "@xyflow/react/dist/style.css";
import { useMemo } from "react";
import type { Graph, GraphNode } from "../api/model";
import { layOut, type Point, type Way } from "./layout";
import type { PathTaken, StepStory } from "./path_taken";

interface Content extends Record<string, unknown> {
  node: GraphNode;
  story?: StepStory;
  isGroup: boolean;
  isChosen: boolean;
}

const words: Record<string, string> = { busy: "at work", waiting: "waiting", good: "succeeded", bad: "failed", late: "timed out", quiet: "left" };

/** More states than this need a small map beside the picture. */
const kMapFrom = 12;

function resourceInWords(node: GraphNode): string {
  return node.resource ?? node.type;
}

function StateBox({ data }: NodeProps<Node<Content>>) {
  const { node, story, isGroup } = data;
  const shape = isGroup ? "group" : node.type === "Choice" ? "choice" : node.end ? "end" : "";
  const look = story ? `visited tone-${story.standing}` : "";
  const busy = story && (story.standing === "busy" || story.standing === "waiting") ? "busy-now" : "";
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <div className={`graph-node ${shape} ${look} ${busy}`} title={`${node.name}: ${resourceInWords(node)}${node.comment ? `\n${node.comment}` : ""}`}>
        <b>{node.name}</b>
        <small>{story ? `${words[story.standing]}${story.attempts > story.visits ? `, ${story.attempts} attempts` : ""}` : resourceInWords(node)}</small>
        {story && story.visits > 1 && (
          <span className="graph-times" title={`entered ${story.visits} times`}>
            {story.visits}×
          </span>
        )}
      </div>
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </>
  );
}

/** How far before a bend the way begins to turn. */
const kBend = 14;

/** Straight pieces with round bends. */
function drawn(points: Point[]): string {
  const [first, ...rest] = points;
  let path = `M ${first.x} ${first.y}`;
  rest.forEach((point, at) => {
    const next = rest[at + 1];
    if (!next) {
      path += ` L ${point.x} ${point.y}`;
      return;
    }
    const before = at === 0 ? first : rest[at - 1];
    const towards = (other: Point): Point => {
      const length = Math.hypot(other.x - point.x, other.y - point.y) || 1;
      const part = Math.min(kBend, length / 2) / length;
      return { x: point.x + (other.x - point.x) * part, y: point.y + (other.y - point.y) * part };
    };
    const into = towards(before);
    const out = towards(next);
    path += ` L ${into.x} ${into.y} Q ${point.x} ${point.y} ${out.x} ${out.y}`;
  });
  return path;
}

function WayEdge({ id, data, label, markerEnd, sourceX, sourceY, targetX, targetY }: EdgeProps<Edge<{ way?: Way }>>) {
  const way = data?.way;
  const points = way && way.points.length > 1 ? way.points : [{ x: sourceX, y: sourceY }, { x: targetX, y: targetY }];
  const spot = way?.label ?? points[Math.floor(points.length / 2)];
  return (
    <>
      <BaseEdge id={id} path={drawn(points)} markerEnd={markerEnd} />
      {label && (
        <EdgeLabelRenderer>
          <span className="graph-label" style={{ transform: `translate(-50%, -50%) translate(${spot.x}px, ${spot.y}px)` }}>
            {label}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

const nodeTypes = { state: StateBox };
const edgeTypes = { way: WayEdge };

function labelOf(label: unknown): string {
  if (label === null || label === undefined) return "";
  if (Array.isArray(label)) return label.join(", ");
  if (typeof label === "object") {
    const { Variable, Condition, Not: negated, ...test } = label as Record<string, unknown>;
    if (typeof Condition === "string") return Condition;
    if (negated !== undefined) return `not (${labelOf(negated)})`;
    const [how, what] = Object.entries(test)[0] ?? ["", ""];
    if (Array.isArray(what)) return what.map(labelOf).join(how === "Or" ? " or " : " and ");
    return `${String(Variable ?? "")} ${signs[how.replace(/^(String|Numeric|Timestamp|Boolean)/, "")] ?? how} ${JSON.stringify(what)}`;
  }
  return String(label);
}

const signs: Record<string, string> = {
  Equals: "=",
  LessThan: "<",
  LessThanEquals: "≤",
  GreaterThan: ">",
  GreaterThanEquals: "≥",
  IsPresent: "is present:",
};

const kMostLabel = 34;
const short = (text: string): string => (text.length > kMostLabel ? `${text.slice(0, kMostLabel)}…` : text);

export default function StateGraph({ graph, path, onChoose }: { graph: Graph; path?: PathTaken; onChoose?: (state: string) => void }) {
  const labels = useMemo(() => graph.edges.map((edge) => (edge.kind === "default" ? "otherwise" : short(labelOf(edge.label)))), [graph]);
  const { placed, ways } = useMemo(() => layOut(graph.nodes, graph.edges, labels), [graph, labels]);
  const names = useMemo(() => new Map(graph.nodes.map((node) => [node.id, node.name])), [graph]);
  const nodes: Node<Content>[] = placed.map((place) => ({
    id: place.node.id,
    type: "state",
    position: { x: place.x, y: place.y },
    parentId: place.node.parent ?? undefined,
    width: place.width,
    height: place.height,
    draggable: false,
    connectable: false,
    selectable: false,
    focusable: false,
    data: { node: place.node, story: path?.steps.get(place.node.name), isGroup: place.isGroup, isChosen: false },
  }));
  const edges: Edge[] = graph.edges.map((edge, at) => {
    const isTaken = path?.edges.has(`${names.get(edge.from)}\n${names.get(edge.to)}`) ?? false;
    return {
      id: `${at}`,
      source: edge.from,
      target: edge.to,
      type: "way",
      data: { way: ways.get(at) },
      className: `${isTaken ? "taken" : ""} ${edge.kind}`,
      label: labels[at] || undefined,
      markerEnd: { type: MarkerType.ArrowClosed, color: isTaken ? "var(--accent)" : "var(--edge)" },
      zIndex: isTaken ? 2 : 1,
      selectable: false,
      focusable: false,
    };
  });
  const story = path ? [...path.steps].map(([name, step]) => `${name} ${words[step.standing]}`).join(", ") : "";
  return (
    <div className="graph" role="group" aria-label={`Graph of ${graph.workflow}${story ? `: ${story}` : ""}`}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onInit={(flow) => void lookAt(flow, graph, path)}
        minZoom={0.1}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        proOptions={{ hideAttribution: true }}
        onNodeClick={(_event, node) => onChoose?.((node.data as Content).node.name)}
      >
        <Background gap={22} color="var(--line)" />
        <Controls showInteractive={false} aria-label="Zoom" />
        {graph.nodes.length > kMapFrom && <MiniMap pannable zoomable ariaLabel="The whole graph" nodeColor={(node) => colourOf((node.data as Content).story)} />}
      </ReactFlow>
    </div>
  );
}

/** Smaller than this nobody can read the names: then the picture begins at what matters. */
const kLeastZoom = 0.62;

/** The whole graph where it can be read, else the state that the run stands in, failed in, or begins with. */
async function lookAt(flow: ReactFlowInstance<Node<Content>>, graph: Graph, path?: PathTaken): Promise<void> {
  await flow.fitView({ padding: 0.1, maxZoom: 1.1 });
  if (flow.getZoom() >= kLeastZoom) return;
  const wanted = (standings: string[]): GraphNode | undefined =>
    [...graph.nodes].reverse().find((node) => standings.includes(path?.steps.get(node.name)?.standing ?? "") && !graph.nodes.some((other) => other.parent === node.id));
  const target = wanted(["busy", "waiting"]) ?? wanted(["bad", "late"]) ?? graph.nodes.find((node) => node.start && node.parent === null);
  const spot = target && flow.getInternalNode(target.id)?.internals.positionAbsolute;
  if (!spot) return;
  const isBegin = target.start && target.parent === null;
  await flow.setCenter(spot.x + 90, spot.y + (isBegin ? 260 : 24), { zoom: 0.85 });
}

const colourOf = (story?: StepStory): string => (story ? `var(--${story.standing})` : "var(--line-strong)");
