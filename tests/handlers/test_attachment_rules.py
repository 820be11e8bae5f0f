from streamchat.handlers.attachment_rules import AttachmentRules


def test_a_type_that_the_server_and_the_function_take_is_no_problem():
    rules = AttachmentRules(media_types=("image/png", "text/*"))
    for media_type in ("image/png", "text/csv"):
        assert rules.problem_with_type(media_type, ["image/*", "text/*"]) is None


def test_a_type_that_the_server_does_not_take_is_told_with_its_option():
    problem = AttachmentRules(media_types=("image/png", "text/*")).problem_with_type("image/gif", ["*/*"])
    assert problem == "must be one of image/png, text/* (--attachment-types)"


def test_a_type_that_the_function_does_not_take_is_told_with_what_it_does():
    problem = AttachmentRules().problem_with_type("image/gif", ["image/png", "audio/*"])
    assert problem == "must be one of image/png, audio/*: the function of this server takes no other"
