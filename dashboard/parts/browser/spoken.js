// What is said of digits, as it is to be said of these data: as of "picture"s, say.
let say = (text) => text

function sayOf(digit, element) {
  say = (text) => text.replace(/digit/g, digit).replace(/Digit/g, digit[0].toUpperCase() + digit.slice(1))
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) texts.currentNode.data = say(texts.currentNode.data)
}
