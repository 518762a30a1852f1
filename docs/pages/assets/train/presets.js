/**
 * Things to try: what a learner chooses, what to guess before it runs, and what the run then shows. A test
 * checks each claim of `says`, which is hidden until the run has taken `after` steps.
 */

const USUAL = {
  data: "circles",
  noise: 0.1,
  seed: 1,
  hidden: [8],
  activation: "tanh",
  optimizer: "adam",
  rate: 0.03,
  batch: 32,
};

const POINTS = "Points";
const WRONG = "What goes wrong";
const DIGITS = "Digits";

/**
 * @type {{name: string, kind: string, asks: string, says: string, after: number,
 *   spec: import("./run.js").Spec}[]}
 */
export const presets = [
  {
    name: "First try",
    kind: POINTS,
    asks: "Eight units draw eight soft lines. What shape will the network make of them?",
    says: "The network has bent its eight lines into a closed curve around the disk.",
    after: 300,
    spec: {},
  },
  {
    name: "No hidden layer",
    kind: POINTS,
    asks: "One neuron draws one straight line. Can it separate a disk from the ring around it?",
    says: "It cannot: no straight line separates a disk from the ring around it.",
    after: 300,
    spec: { hidden: [], rate: 0.1 },
  },
  {
    name: "The spiral",
    kind: POINTS,
    asks: "Two hidden layers of twelve units. Can they follow both arms?",
    says: "They can: the first layer draws lines, and the second combines them into curves.",
    after: 500,
    spec: { data: "spiral", hidden: [12, 12], rate: 0.01 },
  },
  {
    name: "Digits",
    kind: DIGITS,
    asks: "Real digits with 784 pixels, 32 units, and 10 classes. What will the units look for?",
    says:
      "The pictures show the patterns that the units of the first layer have learned. They do not show " +
      "whole digits.",
    after: 150,
    spec: { data: "digits", hidden: [32], activation: "relu", rate: 0.003 },
  },
  {
    name: "Digits, no hidden layer",
    kind: DIGITS,
    asks: "One picture per class, from 0 to 9. What will each of them show?",
    says:
      "Each picture is a template: green pixels count toward the digit, and purple pixels count against it.",
    after: 150,
    spec: { data: "digits", hidden: [], rate: 0.003 },
  },
  {
    name: "One unit too few",
    kind: WRONG,
    asks: "Can two ReLU units close a curve around the disk?",
    says: "Two of them cannot close a curve. Add a third one and start again.",
    after: 500,
    spec: { hidden: [2], activation: "relu", rate: 0.05 },
  },
  {
    name: "No activations",
    kind: WRONG,
    asks: "Three hidden layers, but no activation. Can the network learn XOR?",
    says: "It cannot: without an activation, three layers are a single linear map.",
    after: 300,
    spec: { data: "xor", hidden: [8, 8, 8], activation: "identity" },
  },
  {
    name: "Rate too high",
    kind: WRONG,
    asks: "The learning rate is 10. What will the loss do?",
    says:
      "Each step jumps across the valley, and the loss goes up and down. Divide the rate by ten and " +
      "start again.",
    after: 200,
    spec: { data: "moons", seed: 2, hidden: [8, 8], optimizer: "sgd", rate: 10 },
  },
  {
    name: "Dying ReLU",
    kind: WRONG,
    asks: "The rate is 5, and the units are ReLUs. How many of them will stay on? Watch the table.",
    says:
      "A few huge steps pushed units below 0 for every point. Their gradient is 0 from then on, so they " +
      "stay off.",
    after: 30,
    spec: { hidden: [8, 8], activation: "relu", optimizer: "sgd", rate: 5 },
  },
  {
    name: "Vanishing gradients",
    kind: WRONG,
    asks: "Four layers of sigmoids. Which layer will get the smallest gradients? Watch the table.",
    says:
      "The first one does: its gradients are less than a tenth of the last layer's, so the network " +
      "hardly learns.",
    after: 500,
    spec: { hidden: [8, 8, 8, 8], activation: "sigmoid", optimizer: "sgd", rate: 0.3 },
  },
  {
    name: "Learning the noise",
    kind: WRONG,
    asks: "Two noisy moons and many units. How will the two losses compare after many steps?",
    says:
      "The training loss keeps falling while the loss on held-out points rises, because the network " +
      "learns the noise.",
    after: 1000,
    spec: { data: "moons", noise: 0.6, hidden: [16, 16], activation: "relu", rate: 0.02 },
  },
].map(({ spec, ...more }) => ({ ...more, spec: { ...USUAL, ...spec } }));
