import { create, createFileRegistry, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'

/** The messages of onnx/onnx.proto (IR version 9) that inference needs: by field its number and its type, `[]` where it is repeated. */
const messages: { readonly [message: string]: { readonly [field: string]: readonly [number: number, type: string] } } = {
  ModelProto: {
    ir_version: [1, 'int64'],
    opset_import: [8, 'OperatorSetIdProto[]'],
    producer_name: [2, 'string'],
    producer_version: [3, 'string'],
    graph: [7, 'GraphProto'],
    metadata_props: [14, 'StringStringEntryProto[]'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  GraphProto: {
    node: [1, 'NodeProto[]'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto[]'],
    input: [11, 'ValueInfoProto[]'],
    output: [12, 'ValueInfoProto[]'],
  },
  NodeProto: {
    input: [1, 'string[]'],
    output: [2, 'string[]'],
    name: [3, 'string'],
    op_type: [4, 'string'],
    attribute: [5, 'AttributeProto[]'],
    domain: [7, 'string'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    ints: [8, 'int64[]'],
    type: [20, 'int32'],
  },
  TensorProto: {
    dims: [1, 'int64[]'],
    data_type: [2, 'int32'],
    name: [8, 'string'],
    raw_data: [9, 'bytes'],
    external_data: [13, 'StringStringEntryProto[]'],
    data_location: [14, 'int32'],
  },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: { tensor_type: [1, 'TypeProto.Tensor'] },
  'TypeProto.Tensor': { elem_type: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'TensorShapeProto.Dimension[]'] },
  'TensorShapeProto.Dimension': { dim_value: [1, 'int64'], dim_param: [2, 'string'] },
}

const scalars: { readonly [type: string]: FieldDescriptorProto_Type } = {
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
  float: FieldDescriptorProto_Type.FLOAT,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
}

/** Values of TensorProto.data_type. */
export const elementTypes = { float32: 1, int8: 3, int64: 7, float16: 10 } as const

export type ElementType = keyof typeof elementTypes

export interface NamedText {
  readonly key: string
  readonly value: string
}

/** A message of each kind as it is written and read; the names are those of protobuf's JavaScript. */
export interface TensorProto {
  readonly name: string
  readonly dims: readonly bigint[]
  readonly dataType: number
  readonly rawData?: Uint8Array
  readonly externalData?: readonly NamedText[]
  readonly dataLocation?: number
}

export interface AttributeProto {
  readonly name: string
  readonly type: number
  readonly f?: number
  readonly i?: bigint
  readonly s?: Uint8Array
  readonly ints?: readonly bigint[]
}

export interface NodeProto {
  readonly name: string
  readonly opType: string
  readonly domain?: string
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly attribute: readonly AttributeProto[]
}

export interface ValueInfoProto {
  readonly name: string
  readonly type: {
    readonly tensorType: {
      readonly elemType: number
      readonly shape: { readonly dim: readonly { readonly dimValue?: bigint; readonly dimParam?: string }[] }
    }
  }
}

export interface ModelProto {
  readonly irVersion: bigint
  readonly opsetImport: readonly { readonly domain: string; readonly version: bigint }[]
  readonly producerName: string
  readonly producerVersion?: string
  readonly metadataProps: readonly NamedText[]
  readonly graph: {
    readonly name: string
    readonly node: readonly NodeProto[]
    readonly initializer: readonly TensorProto[]
    readonly input: readonly ValueInfoProto[]
    readonly output: readonly ValueInfoProto[]
  }
}

/** The bytes of an ONNX file. */
export function encodeModel(model: ModelProto): Uint8Array {
  const schema = modelSchema()
  return toBinary(schema, create(schema, { ...model }))
}

/** What an ONNX file holds; messages that inference does not need are left out. @throws Error when the bytes are no protobuf message of this kind */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return fromBinary(modelSchema(), bytes) as Message & ModelProto
}

let found: DescMessage | undefined

/** Made when the first model is written, so that importing costs nothing. */
function modelSchema(): DescMessage {
  found ??= createFileRegistry(create(FileDescriptorSetSchema, { file: [describeFile()] })).getMessage('onnx.ModelProto')!
  return found
}

function describeFile() {
  const nameOf = (message: string) => message.split('.').at(-1)!
  const describe = (message: string): object => ({
    name: nameOf(message),
    field: Object.entries(messages[message]!).map(([name, [number, type]]) => describeField(name, number, type)),
    nestedType: Object.keys(messages)
      .filter((each) => each.startsWith(`${message}.`))
      .map(describe),
  })
  const top = Object.keys(messages).filter((message) => !message.includes('.'))
  return create(FileDescriptorProtoSchema, { name: 'onnx.proto', package: 'onnx', syntax: 'proto2', messageType: top.map(describe) })
}

function describeField(name: string, number: number, type: string) {
  const repeated = type.endsWith('[]')
  const single = repeated ? type.slice(0, -2) : type
  const scalar = scalars[single]
  return {
    name,
    number,
    label: repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
    type: scalar ?? FieldDescriptorProto_Type.MESSAGE,
    ...(scalar === undefined && { typeName: `.onnx.${single}` }),
  }
}
