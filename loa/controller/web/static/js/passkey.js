// Passkeys: make one (form[data-passkey-new]) and sign with one (form[data-passkey-sign]).
// The browser's answer goes into a hidden field and the form goes its ordinary way; what a device cannot do
// is said in words that the page brought along (passkey_parts.html).
"use strict";
(() => {
  // By hand: PublicKeyCredential.toJSON and parse…FromJSON are younger than many phones in the field.
  const toBytes = (text) => {
    const plain = text.replace(/-/g, "+").replace(/_/g, "/");
    const binary = atob(plain + "=".repeat((4 - (plain.length % 4)) % 4));
    return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  };
  const toText = (buffer) => {
    let binary = "";
    for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  const WORDS = {
    NotAllowedError: "cancelled",
    AbortError: "cancelled",
    InvalidStateError: "known",
    NotSupportedError: "unable",
    ConstraintError: "lockless",
    SecurityError: "elsewhere",
    RefusedError: "refused",
    TypeError: "offline",
  };

  const tell = (form, problem) => {
    for (const line of form.querySelectorAll("[data-passkey-problem]")) {
      line.hidden = line.dataset.passkeyProblem !== problem;
    }
  };

  const check = async (form) => {
    const link = form.querySelector("[data-passkey-origin]");
    if (form.dataset.origin && form.dataset.origin !== window.location.origin) {
      link.href = form.dataset.origin + window.location.pathname;
      link.textContent = form.dataset.origin;
      tell(form, "elsewhere");
      return false;
    }
    if (!window.PublicKeyCredential || !navigator.credentials) {
      tell(form, "unable");
      return false;
    }
    const locked = window.PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable;
    if (locked && !(await locked.call(window.PublicKeyCredential))) tell(form, "lockless");
    return true;
  };

  const make = async (form) => {
    const answer = await fetch(form.dataset.options, {
      method: "POST",
      credentials: "same-origin",
      headers: { "X-CSRF-Token": form.elements.csrf.value },
    });
    if (!answer.ok) throw new TypeError(String(answer.status));
    const options = await answer.json();
    options.challenge = toBytes(options.challenge);
    options.user.id = toBytes(options.user.id);
    for (const one of options.excludeCredentials || []) one.id = toBytes(one.id);
    const made = await navigator.credentials.create({ publicKey: options });
    form.elements.credential.value = JSON.stringify({
      id: made.id,
      rawId: toText(made.rawId),
      type: made.type,
      response: {
        clientDataJSON: toText(made.response.clientDataJSON),
        attestationObject: toText(made.response.attestationObject),
      },
    });
  };

  // Composed when it is tapped: what is signed holds for ten minutes, and listening takes long.
  const prepare = async (form) => {
    const answer = await fetch(form.dataset.prepare, { credentials: "same-origin" });
    if (answer.status >= 400 && answer.status < 500) throw new DOMException("", "RefusedError");
    if (!answer.ok) throw new TypeError(String(answer.status));
    const asked = await answer.json();
    form.elements.document.value = asked.document;
    return asked;
  };

  const sign = async (form) => {
    const asked = form.dataset.prepare ? await prepare(form) : JSON.parse(form.dataset.passkeySign);
    const got = await navigator.credentials.get({
      publicKey: {
        challenge: toBytes(asked.challenge),
        rpId: asked.party,
        userVerification: "required",
        timeout: 120000,
        allowCredentials: asked.credentials.map((id) => ({ type: "public-key", id: toBytes(id) })),
      },
    });
    form.elements.assertion.value = JSON.stringify({
      credential: toText(got.rawId),
      authenticator_data: toText(got.response.authenticatorData),
      client_data: toText(got.response.clientDataJSON),
      signature: toText(got.response.signature),
    });
  };

  const run = async (form, act) => {
    const button = form.querySelector("[data-passkey-go]");
    if (button.disabled || !(await check(form))) return;
    button.disabled = true;
    tell(form, "waiting");
    try {
      await act(form);
    } catch (error) {
      tell(form, WORDS[error.name] || "other");
      button.disabled = false;
      return;
    }
    form.submit();
  };

  const forms = { "form[data-passkey-new]": make, "form[data-passkey-sign]": sign };
  for (const [selector, act] of Object.entries(forms)) {
    for (const form of document.querySelectorAll(selector)) {
      check(form);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        run(form, act);
      });
    }
  }
})();
