import logging
import threading

from inference_http.config.settings import Settings
from inference_http.worker.rehearsal import rehearse


def test_the_application_answers_and_leaves_nothing_behind(tmp_path, caplog, fresh_imports):
    settings = Settings(app_root=str(tmp_path), cors_origins=("https://a.test",), scoring_timeout_ms=1000)
    threads, outputs = threading.enumerate(), list(logging.getLogger("azmlinfsrv").handlers)
    with caplog.at_level(logging.DEBUG):
        assert rehearse(settings) == ["200 OK", "200 OK"]
    assert caplog.messages == []
    assert threading.enumerate() == threads
    assert logging.getLogger("azmlinfsrv").handlers == outputs
    assert logging.root.manager.disable == logging.NOTSET
