using FerActors.Inference.Faces;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Tests.Faces;

public class FaceFilterSpecs
{
    [Fact]
    public void The_largest_faces_are_kept_and_all_are_counted()
    {
        var crowd = Enumerable.Range(0, 100).Select(i => new DetectedFace(new FaceBox(i, i, 20 + i, 20 + i), null, 0.9));

        var found = FaceFilter.Keep(crowd, 1000, 1000, scale: 0.16, new DetectionOptions());

        Assert.Equal((64, 100, 0.16), (found.Count, found.Total, found.Scale));
        Assert.Equal(119, found[0].Box.Height);
    }

    [Fact]
    public void What_is_no_usable_face_is_not_counted_and_an_enlarged_search_is_none_that_loses_faces()
    {
        DetectedFace[] faces = [new(new FaceBox(10, 10, 30, 30), null, 0.9), new(new FaceBox(10, 10, 9, 9), null, 0.9)];

        var found = FaceFilter.Keep(faces, 100, 100, scale: 4, new DetectionOptions());

        Assert.Equal((1, 1, 1.0), (found.Count, found.Total, found.Scale));
    }
}
