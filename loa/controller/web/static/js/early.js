// Before anything is drawn: what needs a script may show, what replaces it may hide.
document.documentElement.classList.add("js");
