// Decodes the examples' Kubernetes manifests strictly into the types of its API. An unknown field
// is an error, as on a server with strict validation.
package manifests

import (
	"bytes"
	"os"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const manifest = "../../examples/sse-cluster/deploy/kubernetes.yaml"

func TestManifestsAreOfTheAPI(t *testing.T) {
	file, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	documents := bytes.Split(file, []byte("\n---\n"))
	if len(documents) != 2 {
		t.Fatalf("%d documents: a service and a stateful set are expected", len(documents))
	}
	var service corev1.Service
	if err := yaml.UnmarshalStrict(documents[0], &service); err != nil {
		t.Fatalf("the service: %v", err)
	}
	var set appsv1.StatefulSet
	if err := yaml.UnmarshalStrict(documents[1], &set); err != nil {
		t.Fatalf("the stateful set: %v", err)
	}
	if service.Spec.ClusterIP != corev1.ClusterIPNone || set.Spec.ServiceName != service.Name {
		t.Error("the stateful set needs its headless service")
	}
	pod := set.Spec.Template.Spec
	if pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
		t.Error("service links set variables that the program may take for settings")
	}
	if mode := pod.Volumes[0].Secret.DefaultMode; mode == nil || *mode != 0o400 {
		t.Errorf("keys are mounted with mode %o, and not 400", *mode)
	}
	for label, value := range service.Spec.Selector {
		if set.Spec.Template.Labels[label] != value {
			t.Errorf("the service does not select the pods: %s", label)
		}
	}
}
