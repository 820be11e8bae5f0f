from streamchat.turns.attachment import Attachment, note_of

PICTURE = Attachment(media_type="image/png", name="cat.png", content=b"\x89PNG")


def test_text_is_told_from_what_is_not() -> None:
    for media_type in ("text/plain", "text/csv", "application/json"):
        assert Attachment(media_type=media_type, content=b"").is_text
    assert not PICTURE.is_text


def test_the_bytes_are_not_shown() -> None:
    assert repr(PICTURE) == "Attachment(media_type='image/png', name='cat.png')"


def test_a_note_says_what_there_was() -> None:
    assert note_of([]) == ""
    assert note_of([PICTURE]) == "[attached: cat.png (image/png)]"
    nameless = Attachment(media_type="application/pdf", content=b"")
    assert note_of([PICTURE, nameless]) == "[attached: cat.png (image/png), application/pdf]"
