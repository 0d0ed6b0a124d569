// What the page asks of the program, and the pictures that are fetched ahead.

export async function ask(address, sent) {
  const options = sent === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(sent),
  };
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Error("The program does not answer. Start spolia review again; answers are kept.");
  }
  if (response.ok) return response.json();
  const told = (response.headers.get("content-type") || "").startsWith("application/json")
    ? (await response.json()).error : await response.text();
  const error = new Error(told.trim());
  error.status = response.status;
  throw error;
}

const pictures = new Map(); // address to promise of a bitmap

export function picture(address) {
  if (!pictures.has(address)) {
    pictures.set(address, fetch(address).then(async (response) => {
      if (response.ok) return createImageBitmap(await response.blob());
      throw new Error(response.status === 403
        ? "No pictures are shown to other machines." : "This picture cannot be shown.");
    }));
    pictures.get(address).catch(() => {}); // told where it is shown
  }
  return pictures.get(address);
}

export function forget(all) {
  const wanted = new Set(all);
  for (const address of pictures.keys()) if (!wanted.has(address)) pictures.delete(address);
}
