/**
 * Finds tensors whose values lie in other files. ONNX lets a model name any path for them, which
 * makes a model file a way to read the disk, so models that have any are refused.
 *
 * A model is a protobuf message (onnx.proto3). Only what leads to tensors is walked:
 *
 *   ModelProto     7 graph, 25 functions
 *   FunctionProto  7 node, 11 attribute_proto (attributes with their defaults)
 *   GraphProto     1 node, 5 initializer, 15 sparse_initializer
 *   NodeProto      5 attribute
 *   AttributeProto 5 t, 6 g, 10 tensors, 11 graphs, 22 sparse_tensor, 23 sparse_tensors
 *   SparseTensor   1 values, 2 indices
 *   TensorProto    13 external_data, 14 data_location (1 = EXTERNAL)
 */
type Message = 'model' | 'function' | 'graph' | 'node' | 'attribute' | 'sparse' | 'tensor';

const MEMBERS: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 25: 'function' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
};
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;
const MOST_NESTED = 64;

/**
 * Whether any tensor of an ONNX model lies outside its file.
 *
 * @throws RangeError where the bytes are no protobuf message.
 */
export function hasExternalData(model: Uint8Array): boolean {
  return walk(model, 0, model.length, 'model', 0);
}

function walk(bytes: Uint8Array, start: number, end: number, message: Message, depth: number): boolean {
  if (depth > MOST_NESTED) throw new RangeError('the model is nested too deeply');
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at];
      if (byte === undefined || at >= end || shift > 2 ** 63) throw new RangeError(`no number at byte ${at}`);
      at += 1;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (message === 'tensor' && field === EXTERNAL_DATA) return true;
    if (wire === 0) {
      const value = varint();
      if (message === 'tensor' && field === DATA_LOCATION && value !== 0) return true;
    } else if (wire === 2) {
      const length = varint();
      if (at + length > end) throw new RangeError(`a field ends behind the model at byte ${at}`);
      const inner = MEMBERS[message][field];
      if (inner !== undefined && walk(bytes, at, at + length, inner, depth + 1)) return true;
      at += length;
    } else if (wire === 1 || wire === 5) at += wire === 1 ? 8 : 4;
    else throw new RangeError(`no field at byte ${at}`);
  }
  if (at !== end) throw new RangeError(`a field ends behind the model at byte ${at}`);
  return false;
}
