import base64

from streaming.embedded import kafka, kafka_properties


def test_a_cluster_id_is_sixteen_bytes_of_base64url_that_tell_its_owner():
    ids = {kafka.new_cluster_id() for _ in range(100)}
    assert len(ids) == 100
    for cluster_id in ids:
        assert len(cluster_id) == 22
        assert len(base64.urlsafe_b64decode(cluster_id + "==")) == 16
        assert kafka.is_some_clones(cluster_id)


def test_only_the_id_in_the_state_folder_is_ours(tmp_path):
    own, other = kafka.new_cluster_id(), kafka.new_cluster_id()
    assert not kafka.is_ours(own, tmp_path)
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "cluster_id").write_text(own + "\n")
    assert kafka.is_ours(own, tmp_path)
    assert not kafka.is_ours(other, tmp_path)


def test_a_broker_of_somebody_else_is_no_clone():
    assert not kafka.is_some_clones("MkU3OEVBNTcwNTJENDM2Qk")


def test_paths_survive_java_properties():
    assert kafka_properties.escaped("/tmp/a b/交通\\x") == "/tmp/a b/\\u4ea4\\u901a\\\\x"
