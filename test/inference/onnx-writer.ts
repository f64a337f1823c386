/*
 * Writes small ONNX graphs (opset 17) byte by byte, so that tests can run graphs whose arithmetic is
 * known: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

/** Dimensions of a graph's input or output; a string is a dimension that varies. */
export type Shape = readonly (number | string)[];

/** One operation of a graph. */
export type OnnxNode = {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
};

/** A graph of float32 tensors. */
export type OnnxGraph = {
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly outputs: Readonly<Record<string, Shape>>;
  readonly nodes: readonly OnnxNode[];
  /** One-dimensional int64 constants, such as axes. */
  readonly integers?: Readonly<Record<string, readonly number[]>>;
  /** One-dimensional float32 constants. */
  readonly floats?: Readonly<Record<string, readonly number[]>>;
};

const elementType = { float: 1, int64: 7 };
const attributeType = { int: 2, ints: 7 };

/** The bytes of a model file that holds `graph`. */
export function writeOnnx(graph: OnnxGraph): Buffer {
  const body = Buffer.concat([
    ...graph.nodes.map((node) => field(1, nodeBytes(node))),
    field(2, Buffer.from('test')),
    ...Object.entries(graph.integers ?? {}).map(([name, values]) =>
      field(
        5,
        constant(name, elementType.int64, Buffer.from(BigInt64Array.from(values, BigInt).buffer)),
      ),
    ),
    ...Object.entries(graph.floats ?? {}).map(([name, values]) =>
      field(5, constant(name, elementType.float, Buffer.from(Float32Array.from(values).buffer))),
    ),
    ...Object.entries(graph.inputs).map(([name, shape]) => field(11, valueInfo(name, shape))),
    ...Object.entries(graph.outputs).map(([name, shape]) => field(12, valueInfo(name, shape))),
  ]);
  const opset = Buffer.concat([field(1, Buffer.alloc(0)), integer(2, 17)]);
  return Buffer.concat([integer(1, 8), field(7, body), field(8, opset)]);
}

function nodeBytes(node: OnnxNode): Buffer {
  return Buffer.concat([
    ...node.inputs.map((name) => field(1, Buffer.from(name))),
    field(2, Buffer.from(node.output)),
    field(4, Buffer.from(node.op)),
    ...Object.entries(node.attributes ?? {}).map(([name, value]) =>
      field(5, attribute(name, value)),
    ),
  ]);
}

function attribute(name: string, value: number | readonly number[]): Buffer {
  const label = field(1, Buffer.from(name));
  if (typeof value === 'number') {
    return Buffer.concat([label, integer(3, value), integer(20, attributeType.int)]);
  }
  return Buffer.concat([
    label,
    ...value.map((each) => integer(8, each)),
    integer(20, attributeType.ints),
  ]);
}

function constant(name: string, type: number, raw: Buffer): Buffer {
  const length = raw.byteLength / (type === elementType.int64 ? 8 : 4);
  return Buffer.concat([
    integer(1, length),
    integer(2, type),
    field(8, Buffer.from(name)),
    field(9, raw),
  ]);
}

function valueInfo(name: string, shape: Shape): Buffer {
  const dims = shape.map((side) =>
    field(1, typeof side === 'number' ? integer(1, side) : field(2, Buffer.from(side))),
  );
  const tensor = Buffer.concat([integer(1, elementType.float), field(2, Buffer.concat(dims))]);
  return Buffer.concat([field(1, Buffer.from(name)), field(2, field(1, tensor))]);
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.byteLength), bytes]);
}

function integer(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
