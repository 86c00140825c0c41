import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { absoluteAncestor, absoluteImages, isAddress, isPath } from './absolute-names.js'

it.each(['hf:owner/name', 'https://host/model.safetensors', 'fashion-mnist:/data'])('%s is an address and stays', (name) => {
  expect([isAddress(name), isPath(name), absoluteAncestor(name), absoluteImages(name)]).toEqual([true, false, name, name])
})

it.each(['model.safetensors', './runs/first', 'c:\\models\\deit', 'C:\\models\\deit'])('%s is a file or folder', (name) => {
  expect([isAddress(name), isPath(name), absoluteAncestor(name), absoluteImages(name)]).toEqual([false, true, resolve(name), resolve(name)])
})

it('words stay', () => {
  expect(['embedded', 'train'].map((word) => [isPath(word), absoluteAncestor(word)])).toEqual([
    [false, 'embedded'],
    [false, 'train'],
  ])
  expect([absoluteImages(undefined), absoluteImages('embedded')]).toEqual([undefined, 'embedded'])
})
