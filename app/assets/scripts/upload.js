// Sends files one by one as they are chosen or dropped anywhere on the page, and shows how far each
// has come. Without this file they go with the form, by its own button.
const form = document.getElementById("media");
const drop = form.querySelector("[data-upload]");
const input = drop.querySelector("input[type=file]");
const list = drop.querySelector("[data-files]");
const status = drop.querySelector("[data-status]");
const words = drop.dataset;
const queue = [];
let sending = false;
let unsaved = false;

function lineFor(file) {
  const line = document.createElement("li");
  line.className = "drop__file";
  const name = document.createElement("span");
  name.className = "drop__name";
  name.textContent = file.name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  const said = document.createElement("span");
  said.className = "drop__said";
  said.textContent = words.waits;
  line.append(name, bar, said);
  list.append(line);
  return { line, bar, said };
}

function add(files) {
  for (const file of files) {
    const one = { file, ...lineFor(file) };
    const kind = file.type.startsWith("image/") ? "image" : "document";
    const most = words[kind === "image" ? "mostImage" : "mostDocument"];
    if (file.size > most * 1024 * 1024) {
      refuse(one, words[kind === "image" ? "tooLargeImage" : "tooLargeDocument"]);
    } else {
      queue.push(one);
    }
  }
  next();
}

function next() {
  if (sending || !queue.length) return;
  sending = true;
  send(queue.shift());
}

function send(one) {
  const { file, line, bar, said } = one;
  const data = new FormData();
  data.append("csrf_token", form.elements.csrf_token.value);
  data.append("file", file);
  const request = new XMLHttpRequest();
  request.open("POST", words.upload);
  request.responseType = "text";
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.value = event.loaded / event.total;
    said.textContent = `${Math.floor(bar.value * 100)} %`;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value"); // how long the picture is worked on, nobody knows
    said.textContent = words.atWork;
  });
  request.addEventListener("loadend", () => {
    const answer = read(request);
    if (answer.html) {
      show(answer);
      line.remove();
      status.textContent = answer.message;
    } else {
      refuse(one, answer.message, answer.again);
    }
    sending = false;
    next();
  });
  request.send(data);
}

// What the file itself is refused for will not change by sending it again; the rest may.
function read(request) {
  if (request.status === 413) return { message: words.tooLargeImage };
  if (new URL(request.responseURL || location.href).pathname !== words.upload) {
    return { message: request.status ? words.signedOut : words.failed, again: true };
  }
  try {
    return JSON.parse(request.responseText);
  } catch {
    return { message: words.failed, again: true };
  }
}

function refuse(one, message, again) {
  one.bar.remove();
  one.said.textContent = message;
  one.line.classList.add("drop__file--wrong");
  const named = message.includes(one.file.name);
  status.textContent = named ? message : `${one.file.name}: ${message}`;
  if (!again) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--quiet button--small";
  button.textContent = words.tryAgain;
  button.setAttribute("aria-label", `${words.tryAgain}: ${one.file.name}`);
  button.addEventListener("click", () => {
    one.line.remove();
    add([one.file]);
    input.focus();
  });
  one.line.append(button);
}

function show({ kind, html }) {
  const holder = document.createElement("template");
  holder.innerHTML = html; // our own card, from our own address
  form.querySelector(`[data-list=${kind}]`).append(holder.content);
  form.querySelector(`[data-none=${kind}]`).hidden = true;
}

const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
let within = 0;

drop.querySelector(".drop__send").hidden = true;
input.addEventListener("change", () => {
  add(input.files);
  input.value = "";
});
document.addEventListener("dragenter", (event) => {
  if (!holdsFiles(event)) return;
  within += 1;
  drop.classList.add("drop--over");
});
document.addEventListener("dragleave", (event) => {
  if (!holdsFiles(event)) return;
  within = Math.max(0, within - 1);
  drop.classList.toggle("drop--over", within > 0);
});
document.addEventListener("dragover", (event) => {
  if (holdsFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault(); // or the browser would leave the page for the file
  within = 0;
  drop.classList.remove("drop--over");
  add(event.dataTransfer.files);
});
form.addEventListener("input", (event) => {
  if (event.target !== input) unsaved = true;
});
form.addEventListener("submit", () => {
  unsaved = false;
});
window.addEventListener("beforeunload", (event) => {
  if (unsaved || sending || queue.length) event.preventDefault();
});
