/** What a model of one layer is made of. */
interface LayerModel {
  /** Values that a row has. */
  readonly width: number;
  /** Whether a value that is absent counts as 0. */
  readonly imputes: boolean;
}

/**
 * The ONNX file of a model of one layer: `softmax(row × weights)`. Written by hand, byte by byte (onnx.proto3), for
 * the shipped model is of trees, which take a row without values.
 */
export function layerModel({ width, imputes }: LayerModel): Uint8Array {
  const weights = Float32Array.from({ length: width * 2 }, (_, at) => (at % 2 === 0 ? 0.01 : -0.01));
  const fill = imputes
    ? [node('IsNaN', ['row'], 'absent'), node('Where', ['absent', 'nothing', 'row'], 'filled')]
    : [node('Identity', ['row'], 'filled')];
  const graph = [
    ...fill.flatMap((one) => bytes(1, one)),
    ...bytes(1, node('MatMul', ['filled', 'weights'], 'sums')),
    ...bytes(1, node('Softmax', ['sums'], 'probabilities')),
    ...text(2, 'layer'),
    ...bytes(5, tensor('weights', [width, 2], weights)),
    ...bytes(5, tensor('nothing', [1], new Float32Array(1))),
    ...bytes(11, shaped('row', width)),
    ...bytes(12, shaped('probabilities', 2)),
  ];
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, [...text(1, ''), ...number(2, 13)])]);
}

function node(operator: string, inputs: readonly string[], output: string): number[] {
  return [...inputs.flatMap((input) => text(1, input)), ...text(2, output), ...text(4, operator)];
}

function tensor(name: string, dimensions: readonly number[], values: Float32Array): number[] {
  const raw = [...new Uint8Array(values.buffer)];
  return [...dimensions.flatMap((one) => number(1, one)), ...number(2, 1), ...text(8, name), ...bytes(9, raw)];
}

/** Any number of rows of floats. */
function shaped(name: string, width: number): number[] {
  const shape = [...bytes(1, text(2, 'rows')), ...bytes(1, number(1, width))];
  return [...text(1, name), ...bytes(2, bytes(1, [...number(1, 1), ...bytes(2, shape)]))];
}

function number(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function bytes(field: number, content: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
}

function text(field: number, value: string): number[] {
  return bytes(field, [...Buffer.from(value)]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
