import { describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'

interface Row {
  readonly id: number
  readonly path: string
  readonly macs: number
  readonly parameters: number
}

async function paths(line: string): Promise<Row[]> {
  const { code, stdout, stderr } = await run(['paths', ...line.split(' '), '--json'])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout).paths
}

describe('learngene paths', () => {
  it('gives the three DeiT anchors what is published', async () => {
    const rows = await paths('--widths 192,384,768 --depth 12')
    expect(rows).toHaveLength(71)
    expect(rows.slice(0, 3).map(({ path, macs, parameters }) => [path, macs, parameters])).toEqual([
      ['ti12[0-11]', 1_258_411_200, 5_717_416],
      ['sm12[0-11]', 4_608_338_304, 22_050_664],
      ['ba12[0-11]', 17_582_740_224, 86_567_656],
    ])
    expect(rows.map(({ id }) => id)).toEqual(rows.map((_, i) => i))
  })

  it('counts the pool of 18 instances', async () => {
    const rows = await paths('--widths 192,768 --depth 9')
    expect(rows).toHaveLength(2 + 25)
    expect(rows[0]).toMatchObject({ id: 0, path: 'ti9[0-8]' })
    const stitch = 192 * 768
    const block = (width: number) => 12 * width ** 2 + 13 * width
    const embedding = 192 + 197 * 192 + 192 * 768 + 192
    const head = 2 * 768 + 1001 * 768 - 768 + 1000 - 1000
    const found = rows.find(({ path }) => path === 'ti9[0-3]>ba9[4-8]')!
    expect(found.parameters).toBe(embedding + 4 * block(192) + stitch + 768 + 5 * block(768) + head + 1000)
  })

  it('takes unequal depths, other images, classes, heads and windows', async () => {
    const rows = await paths(
      '--widths 48,96 --depths 3,6 --image-size 28 --patch-size 7 --channels 1 --classes 10 --heads 3 --stride 2 --pairs all',
    )
    expect(rows[0]!.path).toBe('w48d3[0-2]')
    expect(rows[1]!.path).toBe('w96d6[0-5]')
    expect(rows.length).toBeGreaterThan(4)
    const n = 17
    const block = 12 * n * 48 ** 2 + 2 * n * n * 48 + 10 * n * 48
    expect(rows[0]!.macs).toBe(16 * 49 * 48 + 3 * block + 5 * n * 48 + 10 * 48)
  })

  it('costs models that no memory would hold', async () => {
    const [giant] = await paths('--widths 65536 --depth 96')
    expect(giant!.parameters).toBeGreaterThan(4e12)
  })

  it('prints the 71 models of SN-Net as published', async () => {
    const rows = await paths('--preset snnet-deit --convention snnet')
    expect(rows).toHaveLength(71)
    expect(rows.slice(0, 5).map(({ path, macs, parameters }) => [path, macs, parameters])).toEqual([
      ['ti12[0-11]', 1_258_411_200, 5_717_416],
      ['sm12[0-11]', 4_608_338_304, 22_050_664],
      ['ba12[0-11]', 17_582_740_224, 86_567_656],
      ['ti12[0-0]>sm12[0-11]', 4_696_010_496, 22_345_960],
      ['ti12[0-0]>sm12[1-11]', 4_316_862_720, 20_571_496],
    ])
    expect(rows.at(-1)).toMatchObject({ path: 'sm12[0-11]>ba12[11-11]', macs: 6_121_909_248, parameters: 29_742_952 })
    const full = await paths('--preset snnet-deit')
    expect(full.map(({ path }) => path)).toEqual(rows.map(({ path }) => path))
    expect(full[3]!.macs - rows[3]!.macs).toBe(5 * 197 * 384)
  })

  it.each([
    ['--widths 192,384,768 --depth 12 --space multiStitch', 'ti12[0-0]>sm12[1-1]>ba12[2-11]'],
    ['--widths 192,768 --depth 12 --space twoWay', 'ba12[0-3]>ti12[4-5]>ba12[6-11]'],
    ['--widths 192,768 --depth 9 --space earlyExits', 'ba9[0-4]'],
    ['--widths 192,768 --depth 9 --space singleTiers', 'ba9[0-8]'],
  ])('lists and counts other spaces: %s', async (line, example) => {
    const rows = await paths(line)
    expect(rows.map(({ path }) => path)).toContain(example)
    const { stdout } = await run(['paths', ...line.split(' '), '--count', '--json'])
    expect(JSON.parse(stdout)).toEqual({ count: rows.length })
  })

  it('counts exactly what no machine could list', async () => {
    const widths = [64, 128, 192, 256, 320, 384, 448, 512, 576, 640].join(',')
    const line = `--widths ${widths} --depth 24 --space multiStitch --count`
    expect(await run(['paths', ...line.split(' ')])).toEqual({ code: 0, stdout: '639888305229\n', stderr: '' })
  })

  it('prints a table without --json', async () => {
    const { stdout, code } = await run(['paths', '--widths', '192,384', '--depth', '2'])
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toBe('id  path               parameters    MACs')
    expect(stdout).toMatch(/ 0 {2}ti2\[0-1\] +1\.27 M {3}\d+ M\n/)
    const next = '\nnext: npx learngene run --images photos --ancestor MODEL --tiers 192x2,384x2 --out runs/photos\n'
    expect(stdout.endsWith(`\n${next}`)).toBe(true)
    const quiet = await run(['paths', '--widths', '192,384', '--depth', '2', '--quiet'])
    expect(quiet.stdout).toBe(stdout.slice(0, -next.length))
  })

  it.each([
    ['--widths 192,x --depth 9', 'It must be a list of integers of at least 1, such as 192,384,768.'],
    ['--widths 192', 'give the depth of the tiers, such as --depth 9 or --depths 9,12'],
    ['--widths 192,768 --depth 9 --depths 9,9', "option '--depths <list>' cannot be used with option '--depth <number>'"],
    ['--widths 192,768 --depths 9,9,9', '--depths must name one value, or one for each of the 2 widths; got 3'],
    ['--widths 192,768 --depth 9 --heads 5', 'heads must divide the width; got width 192 and 5 heads'],
    ['--widths 768,192 --depth 9', 'tiers must ascend by width'],
    ['--widths 192,192 --depth 9', 'tier names must be unique'],
    ['--widths 192 --depth 9 --patch-size 225', 'a patch must fit into the image'],
    ['--widths 192 --depth 0', 'It must be an integer of at least 1.'],
    ['--depth 9', 'paths needs --widths <list> or --preset <name>'],
    ['--preset snnet-deit --widths 192', "option '--preset <name>' cannot be used with option '--widths <list>'"],
    ['--preset vit-huge', 'Allowed choices are snnet-deit.'],
    ['--preset snnet-deit --space spiral', 'Allowed choices are slidingWindow, multiStitch, twoWay, singleTiers, earlyExits.'],
    ['--preset snnet-deit --space twoWay', 'two-way paths run between exactly two tiers, got 3'],
    ['--preset snnet-deit --space twoWay --count', 'two-way paths run between exactly two tiers, got 3'],
    ['--widths 192 --depth 9 --pairs some', 'Allowed choices are nearest, all.'],
  ])('refuses %s', async (line, message) => {
    const { code, stdout, stderr } = await run(['paths', ...line.split(' ')])
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect([code, stdout]).toEqual([2, ''])
  })
})
