// SPDX-License-Identifier: Apache-2.0
// Names for containers that got none: people who made computers and their sciences, in a good mood.

import { randomInt } from 'node:crypto'

const moods =
  'able agile amber apt bold brave breezy bright brisk calm candid clever cosy crisp curious daring deft eager earnest easy elated fair fearless festive fine fond frank fresh gentle glad golden gracious happy hardy hearty honest hopeful jolly jovial keen kind lively loyal lucid lucky mellow merry mighty modest neat nimble noble patient placid plucky polite proud quick quiet rapid ready serene sharp silent sincere snug steady sunny swift tender tidy upbeat vivid warm wise witty zesty'.split(
    ' ',
  )
const people =
  'abel agnesi archimedes babbage backus bardeen bell berners boole borg brahe carson cerf church clarke codd cray curie darwin dijkstra easley einstein elion engelbart euclid euler faraday fermat fermi feynman franklin galileo gauss germain goldberg goodall hamilton hawking hertz hodgkin hoover hopper hypatia jang johnson kalam kay kepler kernighan khorana kilby knuth kowalevski lamarr lamport leavitt lehmann lovelace lumiere maxwell mayer mccarthy mcclintock meitner mendel mirzakhani morse nash neumann newton noether noyce pare pascal pasteur payne perlman pike poincare ptolemy raman ride ritchie roentgen rubin saha sammet shannon shaw shirley snyder stallman swartz tesla thompson torvalds turing villani wiles wing wozniak wright yalow yonath'.split(
    ' ',
  )

/** `clever_hopper`; attempt: from the second one on, a digit makes it likelier to be free. */
export function generatedName(attempt = 0): string {
  const pick = (words: readonly string[]): string => words[randomInt(words.length)] ?? ''
  return `${pick(moods)}_${pick(people)}${attempt === 0 ? '' : randomInt(10)}`
}
