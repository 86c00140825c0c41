import { parquetWriteBuffer, type SchemaElement } from 'hyparquet-writer'
import golden from './preprocess/golden.json' with { type: 'json' }

/** Some of the encoded images of the golden file, and what they decode to. */
export const encoded = ['a PNG file', 'a grey PNG file', 'a PNG file of black and white', 'a PNG file with a palette', 'a JPEG file'].map(
  (name) => {
    const { file, base64, size } = golden.decode.find((entry) => entry.name === name)!
    const bytes = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
    return { file: bytes(file), image: { data: bytes(base64), height: size[0]!, width: size[1]!, channels: 3 } }
  },
)

export interface Columns {
  readonly image: readonly unknown[]
  readonly label?: readonly unknown[]
}

const bytesOf = (name: string): SchemaElement => ({ name, type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' })
const labelTypes: { readonly [type: string]: SchemaElement } = {
  string: { name: 'label', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  bigint: { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
  number: { name: 'label', type: 'INT32', repetition_type: 'OPTIONAL' },
}

/** A file as Hugging Face writes it: a struct column of pictures, small row groups and pages, and names of classes in the metadata. */
export const parquetFile = (
  { image, label }: Columns,
  {
    names,
    plain = false,
    offsetIndex = true,
    rows = 2,
    gzip,
  }: { names?: readonly string[]; plain?: boolean; offsetIndex?: boolean; rows?: number; gzip?: (bytes: Uint8Array) => Uint8Array } = {},
): Uint8Array => {
  const struct: SchemaElement[] = plain
    ? [bytesOf('image')]
    : [{ name: 'image', num_children: 2, repetition_type: 'OPTIONAL' }, bytesOf('bytes'), { ...bytesOf('path'), converted_type: 'UTF8' }]
  const labels = label ? [labelTypes[typeof label[0]]!] : []
  const features = { image: { _type: 'Image' }, label: { _type: 'ClassLabel', names } }
  const buffer = parquetWriteBuffer({
    columnData: [{ name: 'image', data: [...image], offsetIndex }, ...(label ? [{ name: 'label', data: [...label] }] : [])],
    schema: [{ name: 'root', num_children: label ? 2 : 1 }, ...struct, ...labels],
    rowGroupSize: rows,
    pageSize: 500,
    ...(gzip && { codec: 'GZIP', compressors: { GZIP: gzip } }),
    kvMetadata: names ? [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }] : [],
  })
  return new Uint8Array(buffer)
}
