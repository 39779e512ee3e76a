import { type DeltaType, isNested, type StructField, type StructType, structOf } from '../types/delta-type.ts';

/** Every field of a schema, those inside others too. */
export function* allFields(type: DeltaType): Generator<StructField> {
  if (!isNested(type)) return;
  switch (type.type) {
    case 'struct':
      for (const item of type.fields) {
        yield item;
        yield* allFields(item.type);
      }
      return;
    case 'array':
      yield* allFields(type.elementType);
      return;
    case 'map':
      yield* allFields(type.keyType);
      yield* allFields(type.valueType);
  }
}

/** A schema without some keys of its fields' metadata. */
export function withoutKeys(schema: StructType, isDropped: (key: string) => boolean): StructType {
  const ofType = (type: DeltaType): DeltaType => {
    if (!isNested(type)) return type;
    switch (type.type) {
      case 'struct':
        return ofStruct(type);
      case 'array':
        return { ...type, elementType: ofType(type.elementType) };
      case 'map':
        return { ...type, keyType: ofType(type.keyType), valueType: ofType(type.valueType) };
    }
  };
  const ofStruct = ({ fields }: StructType): StructType =>
    structOf(
      fields.map((item) => ({
        ...item,
        type: ofType(item.type),
        metadata: Object.fromEntries(Object.entries(item.metadata).filter(([key]) => !isDropped(key))),
      })),
    );
  return ofStruct(schema);
}
